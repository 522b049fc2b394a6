//! Every row as a lane: how far from eventfold its limit, its peers and its goal are.

use std::path::Path;

use plotters::element::{Circle, PathElement, Polygon, Rectangle};
use plotters::prelude::{IntoDrawingArea, SVGBackend};
use plotters::style::text_anchor::HPos;
use plotters::style::{Color, RGBColor, WHITE};

use super::{BAND, FAINT, GRID, INK, LIMIT, MISSED, REACHED, Svg, colour, text};
use crate::peers::v0_2;
use crate::row::{OURS, Row};
use crate::table::{number, round};

const WIDTH: i32 = 1240;
const TOP: i32 = 132;
const LANE: i32 = 30;
const LEFT: i32 = 330;
const RIGHT: i32 = 230;

pub fn rows(rows: &[Row], subtitle: &str, path: &Path) {
    let height = TOP + LANE * rows.len() as i32 + 56;
    let svg = SVGBackend::new(path, (WIDTH as u32, height as u32)).into_drawing_area();
    svg.fill(&WHITE).unwrap();
    let scale = Scale::over(rows);
    let chart = Chart { svg: &svg, scale };
    chart.head(subtitle);
    chart.grid(rows.len() as i32);
    for (lane, row) in rows.iter().enumerate() {
        chart.lane(TOP + LANE * lane as i32 + LANE / 2, row);
    }
    svg.present().unwrap();
}

/// How many times as good as eventfold something is.
fn better(row: &Row, value: f64) -> f64 {
    let ours = row.ours.median();
    match row.unit.more {
        true => value / ours,
        false => ours / value,
    }
}

/// All that is drawn in the row's lane.
fn factors(row: &Row) -> Vec<f64> {
    let series = row
        .peers
        .iter()
        .chain(&row.limit)
        .map(|series| series.median());
    let goals = row.goals.iter().filter_map(|goal| row.needed(goal));
    let factors = series.chain(goals).map(|value| better(row, value));
    factors
        .filter(|factor| factor.is_finite() && *factor > 0.0)
        .collect()
}

/// A logarithmic axis, cut off where hardly anything is.
struct Scale {
    low: f64,
    high: f64,
}

const FARTHEST: f64 = 1e3;

impl Scale {
    fn over(rows: &[Row]) -> Self {
        let factors = || rows.iter().flat_map(factors);
        Self {
            low: factors().fold(0.1, f64::min).max(1.0 / FARTHEST) / 1.4,
            high: factors().fold(10.0, f64::max).min(FARTHEST) * 1.4,
        }
    }

    fn x(&self, factor: f64) -> i32 {
        let share = (factor / self.low).ln() / (self.high / self.low).ln();
        LEFT + (share.clamp(0.0, 1.0) * f64::from(WIDTH - LEFT - RIGHT)) as i32
    }

    fn ticks(&self) -> impl Iterator<Item = f64> {
        let ticks = [0.001, 0.01, 0.1, 0.3, 1.0, 3.0, 10.0, 100.0, 1000.0];
        ticks
            .into_iter()
            .filter(|tick| (self.low..self.high).contains(tick))
    }
}

struct Chart<'a, 'b> {
    svg: &'a Svg<'b>,
    scale: Scale,
}

impl Chart<'_, '_> {
    fn head(&self, subtitle: &str) {
        self.text(
            "eventfold beside its limits and peers",
            (24, 26),
            24,
            INK,
            HPos::Left,
        );
        self.text(subtitle, (24, 54), 14, FAINT, HPos::Left);
        let mut x = 30;
        let y = 84;
        let mut entry = |width, text: &str, mark: &dyn Fn((i32, i32))| {
            mark((x, y));
            self.text(text, (x + 15, y), 14, INK, HPos::Left);
            x += width;
        };
        entry(104, OURS, &|at| self.ours(at));
        entry(72, "limit", &|at| self.limit(at));
        for (name, width) in [
            (v0_2::NAME, 76),
            ("SQLite", 82),
            ("redb", 72),
            ("fjall", 70),
            ("serde_json", 112),
            ("other", 78),
        ] {
            entry(width, name, &|at| self.peer(at, colour(name)));
        }
        entry(136, "goal, reached", &|at| self.goal(at, true));
        entry(140, "goal, missed", &|at| self.goal(at, false));
        self.text(
            "← eventfold is better",
            (self.scale.x(1.0) - 10, TOP - 14),
            13,
            FAINT,
            HPos::Right,
        );
        self.text(
            "better than eventfold →",
            (self.scale.x(1.0) + 10, TOP - 14),
            13,
            FAINT,
            HPos::Left,
        );
        self.text(
            "eventfold",
            (WIDTH - RIGHT + 130, TOP - 14),
            13,
            FAINT,
            HPos::Right,
        );
        self.text("goal", (WIDTH - 24, TOP - 14), 13, FAINT, HPos::Right);
    }

    fn grid(&self, lanes: i32) {
        let bottom = TOP + LANE * lanes;
        for lane in (0..lanes).step_by(2) {
            let y = TOP + LANE * lane;
            let band = Rectangle::new([(12, y), (WIDTH - 12, y + LANE)], BAND.filled());
            self.svg.draw(&band).unwrap();
        }
        for tick in self.scale.ticks() {
            let x = self.scale.x(tick);
            let (style, width) = if tick == 1.0 {
                (colour(OURS), 2)
            } else {
                (GRID, 1)
            };
            let line = PathElement::new([(x, TOP), (x, bottom)], style.stroke_width(width));
            self.svg.draw(&line).unwrap();
            let text = match tick {
                tick if tick < 1.0 => format!("1/{}", round((1.0 / tick).round())),
                tick => round(tick),
            };
            self.text(
                &format!("{text}×"),
                (x, bottom + 16),
                13,
                FAINT,
                HPos::Center,
            );
        }
        let middle = (LEFT + WIDTH - RIGHT) / 2;
        let said = "times as good as eventfold: as fast, or as small";
        self.text(said, (middle, bottom + 38), 13, FAINT, HPos::Center);
    }

    fn lane(&self, y: i32, row: &Row) {
        self.text(&row.work, (24, y), 14, INK, HPos::Left);
        let place = |value: f64| {
            let factor = better(row, value);
            (factor.is_finite() && factor > 0.0).then(|| (self.scale.x(factor), y))
        };
        // The smaller marks on top of it.
        self.ours((self.scale.x(1.0), y));
        for goal in &row.goals {
            if let (Some(at), Some(reached)) = (row.needed(goal).and_then(place), row.reaches(goal))
            {
                self.goal(at, reached);
            }
        }
        for peer in &row.peers {
            if let Some(at) = place(peer.median()) {
                self.peer(at, colour(peer.name));
            }
        }
        if let Some(at) = row.limit.as_ref().and_then(|limit| place(limit.median())) {
            self.limit(at);
        }
        let value = format!("{} {}", number(row.ours.median()), row.unit.name);
        self.text(&value, (WIDTH - RIGHT + 130, y), 14, INK, HPos::Right);
        let reached: Vec<bool> = row
            .goals
            .iter()
            .filter_map(|goal| row.reaches(goal))
            .collect();
        let (said, colour) = match reached.iter().filter(|reached| **reached).count() {
            _ if reached.is_empty() => (String::new(), FAINT),
            all if all == reached.len() => ("reached".to_owned(), REACHED),
            0 => ("missed".to_owned(), MISSED),
            some => (format!("{some} of {}", reached.len()), MISSED),
        };
        self.text(&said, (WIDTH - 24, y), 14, colour, HPos::Right);
    }

    fn ours(&self, (x, y): (i32, i32)) {
        self.svg
            .draw(&Circle::new((x, y), 9, colour(OURS).filled()))
            .unwrap();
    }

    fn peer(&self, (x, y): (i32, i32), colour: RGBColor) {
        self.svg
            .draw(&Circle::new((x, y), 6, WHITE.filled()))
            .unwrap();
        self.svg
            .draw(&Circle::new((x, y), 5, colour.filled()))
            .unwrap();
    }

    fn limit(&self, (x, y): (i32, i32)) {
        let corners = [(x, y - 7), (x + 7, y), (x, y + 7), (x - 7, y)];
        self.svg
            .draw(&Polygon::new(corners, LIMIT.filled()))
            .unwrap();
    }

    fn goal(&self, (x, y): (i32, i32), reached: bool) {
        let colour = if reached { REACHED } else { MISSED };
        let corners = [(x - 2, y - 11), (x + 2, y + 11)];
        self.svg
            .draw(&Rectangle::new(corners, colour.filled()))
            .unwrap();
    }

    fn text(&self, said: &str, at: (i32, i32), size: i32, colour: RGBColor, side: HPos) {
        text(self.svg, said, at, size, colour, side);
    }
}
