//! What was measured of one kind of work, and whether its goals are reached.

use crate::turns::{Series, Spread};

pub const OURS: &str = "eventfold";

pub struct Row {
    pub work: String,
    pub unit: Unit,
    pub ours: Series,
    /// The bare calls, or what else cannot be beaten by much.
    pub limit: Option<Series>,
    pub peers: Vec<Series>,
    pub goals: Vec<Goal>,
}

#[derive(Clone, Copy)]
pub struct Unit {
    pub name: &'static str,
    /// Whether more of it is better.
    pub more: bool,
}

pub const PER_SECOND: Unit = Unit {
    name: "events/s",
    more: true,
};
pub const MB_PER_SECOND: Unit = Unit {
    name: "MB/s",
    more: true,
};
pub const MILLISECONDS: Unit = Unit {
    name: "ms",
    more: false,
};
pub const MICROSECONDS: Unit = Unit {
    name: "µs",
    more: false,
};
pub const MIB: Unit = Unit {
    name: "MiB",
    more: false,
};

/// At least `bound` times what `of` does, or at most where less is better.
pub struct Goal {
    pub of: Of,
    pub bound: f64,
}

#[derive(Clone, Copy)]
pub enum Of {
    Limit,
    Peer(&'static str),
    /// A figure by itself.
    Itself,
}

pub fn of_limit(bound: f64) -> Goal {
    let of = Of::Limit;
    Goal { of, bound }
}

pub fn of_peer(peer: &'static str, bound: f64) -> Goal {
    let of = Of::Peer(peer);
    Goal { of, bound }
}

pub fn of_itself(bound: f64) -> Goal {
    let of = Of::Itself;
    Goal { of, bound }
}

impl Row {
    /// Takes the series by their names: the first is ours, `limit` names the limit, if there is
    /// one, and the others are peers.
    pub fn new(work: impl Into<String>, unit: Unit, limit: &str, series: Vec<Series>) -> Self {
        let mut series = series.into_iter();
        let ours = series.next().expect("ours comes first");
        let (limits, peers): (Vec<_>, Vec<_>) = series.partition(|series| series.name == limit);
        Self {
            work: work.into(),
            unit,
            ours,
            limit: limits.into_iter().next(),
            peers,
            goals: Vec::new(),
        }
    }

    pub fn goal(mut self, goal: Goal) -> Self {
        self.goals.push(goal);
        self
    }

    pub fn best_peer(&self) -> Option<&Series> {
        let by_median = |a: &&Series, b: &&Series| a.median().total_cmp(&b.median());
        match self.unit.more {
            true => self.peers.iter().max_by(by_median),
            false => self.peers.iter().min_by(by_median),
        }
    }

    pub fn over_limit(&self) -> Option<Spread> {
        self.limit.as_ref().map(|limit| self.ours.over(limit))
    }

    /// What the goal is about, as it was measured. `None` where its peer was not.
    pub fn attained(&self, goal: &Goal) -> Option<f64> {
        let other = match goal.of {
            Of::Itself => return Some(self.ours.median()),
            Of::Limit => self.limit.as_ref(),
            Of::Peer(name) => self.peers.iter().find(|peer| peer.name == name),
        };
        Some(self.ours.over(other?).median)
    }

    pub fn reaches(&self, goal: &Goal) -> Option<bool> {
        let attained = self.attained(goal)?;
        Some(match self.unit.more {
            true => attained >= goal.bound,
            false => attained <= goal.bound,
        })
    }

    /// The value that would just reach the goal.
    pub fn needed(&self, goal: &Goal) -> Option<f64> {
        Some(goal.bound * self.ours.median() / self.attained(goal)?)
    }
}
