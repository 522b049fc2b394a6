//! The tables, for a terminal.

use crate::curves::Panel;
use crate::row::{Goal, Of, Row};
use crate::turns::Series;

pub const LEGEND: &str = "\
Medians of turns taken one after the other, A B C A B C …. × is ours over the limit, or over the
best peer; spread is the quartiles of that ratio (over the best peer where there is no limit) round
by round; where × is not within, the machine was too busy. ↑ more is better, ↓ less is better.";

pub fn of_rows(rows: &[Row]) -> String {
    let head = [
        "work",
        "",
        "ours",
        "limit",
        "×",
        "best peer",
        "×",
        "spread",
        "goal",
        "",
    ];
    let mut lines = vec![head.map(str::to_owned)];
    for row in rows {
        let mut goals = row.goals.iter().map(|goal| of_goal(row, goal));
        let [goal, reached] = goals.next().unwrap_or_default();
        let over_peer = row.best_peer().map(|peer| row.ours.over(peer));
        let spread = row.over_limit().or(over_peer);
        lines.push([
            row.work.clone(),
            unit(row),
            number(row.ours.median()),
            row.limit.as_ref().map(named).unwrap_or_default(),
            row.over_limit()
                .map(|over| ratio(over.median))
                .unwrap_or_default(),
            row.best_peer().map(named).unwrap_or_default(),
            over_peer.map(|over| ratio(over.median)).unwrap_or_default(),
            spread
                .filter(|spread| spread.low.is_finite())
                .map(|spread| format!("{}–{}", ratio(spread.low), ratio(spread.high)))
                .unwrap_or_default(),
            goal,
            reached,
        ]);
        for [goal, reached] in goals {
            let mut line: [String; 10] = Default::default();
            line[8] = goal;
            line[9] = reached;
            lines.push(line);
        }
    }
    aligned(&lines, &[2, 4, 6])
}

/// The same for a page, with the goals in short.
pub fn markdown(rows: &[Row]) -> String {
    let mut text = "| work | | eventfold | limit | × | best peer | × | goal |\n\
                    |---|---|--:|--:|--:|--:|--:|---|\n"
        .to_owned();
    for row in rows {
        let peer = row.best_peer();
        let goals = row.goals.iter().map(|goal| of_goal(row, goal).join(": "));
        let cells = [
            row.work.clone(),
            unit(row),
            number(row.ours.median()),
            row.limit.as_ref().map(named).unwrap_or_default(),
            row.over_limit()
                .map(|over| ratio(over.median))
                .unwrap_or_default(),
            peer.map(named).unwrap_or_default(),
            peer.map(|peer| ratio(row.ours.over(peer).median))
                .unwrap_or_default(),
            goals.collect::<Vec<_>>().join("; "),
        ];
        text += &format!("| {} |\n", cells.join(" | "));
    }
    text
}

fn unit(row: &Row) -> String {
    format!(
        "{} {}",
        row.unit.name,
        if row.unit.more { '↑' } else { '↓' }
    )
}

fn named(series: &Series) -> String {
    format!("{} {}", number(series.median()), series.name)
}

fn of_goal(row: &Row, goal: &Goal) -> [String; 2] {
    let sign = if row.unit.more { '≥' } else { '≤' };
    let text = match goal.of {
        Of::Limit => format!("{sign} {} of limit", ratio(goal.bound)),
        Of::Peer(peer) => format!("{sign} {} of {peer}", ratio(goal.bound)),
        Of::Itself => format!("{sign} {}", number(goal.bound)),
    };
    let reached = match (row.reaches(goal), row.attained(goal)) {
        (Some(reached), Some(attained)) => {
            let said = if reached { "yes" } else { "NO" };
            let figure = match goal.of {
                Of::Itself => number(attained),
                _ => ratio(attained),
            };
            format!("{said:3} {figure}")
        }
        _ => "not measured".to_owned(),
    };
    [text, reached]
}

pub fn of_panels(panels: &[Panel]) -> String {
    let mut text = String::new();
    for panel in panels {
        let mut head = vec![format!("{}, {}", panel.title, panel.unit.name)];
        head.extend(panel.sizes().map(size));
        let mut lines = vec![head];
        for line in &panel.lines {
            let mut cells = vec![line.name.to_owned()];
            cells.extend(panel.sizes().map(|size| {
                let at = line.points.iter().find(|(x, _)| *x == size);
                at.map(|(_, y)| number(y.median)).unwrap_or_default()
            }));
            lines.push(cells);
        }
        let numbers: Vec<usize> = (1..lines[0].len()).collect();
        text += &aligned(&lines, &numbers);
        text.push('\n');
    }
    text
}

/// Pads the cells, those of the columns `right` to the right, and draws a line below the head.
fn aligned<L: AsRef<[String]>>(lines: &[L], right: &[usize]) -> String {
    let columns = lines[0].as_ref().len();
    let width = |column: usize| {
        let widths = lines
            .iter()
            .map(|line| line.as_ref()[column].chars().count());
        widths.max().unwrap_or_default()
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let mut text = String::new();
    for (number, line) in lines.iter().enumerate() {
        let cells = line.as_ref().iter().zip(&widths).enumerate();
        let cells = cells.map(|(column, (cell, &width))| match right.contains(&column) {
            true => format!("{cell:>width$}"),
            false => format!("{cell:<width$}"),
        });
        let line = cells.collect::<Vec<_>>().join("  ");
        text += line.trim_end();
        text.push('\n');
        if number == 0 {
            text += &"─".repeat(widths.iter().sum::<usize>() + 2 * (columns - 1));
            text.push('\n');
        }
    }
    text
}

/// Three digits that count, and thousands apart.
pub fn number(value: f64) -> String {
    let decimals = match value.abs() {
        value if value >= 99.95 => 0,
        value if value >= 9.995 => 1,
        value if value >= 0.9995 || value == 0.0 => 2,
        _ => 3,
    };
    let text = format!("{value:.decimals$}");
    let (whole, rest) = text.split_at(text.find('.').unwrap_or(text.len()));
    let mut grouped = String::new();
    for (at, digit) in whole.chars().enumerate() {
        if at > 0 && (whole.len() - at).is_multiple_of(3) && digit.is_ascii_digit() {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped + rest
}

pub fn ratio(value: f64) -> String {
    match value {
        value if value == 0.0 || !value.is_finite() => String::new(),
        value if value >= 9.95 => round(value.round()),
        value if value >= 0.0995 => format!("{value:.2}"),
        value if value >= 0.00995 => format!("{value:.3}"),
        value => format!("{value:.1e}"),
    }
}

/// As history and events are sized in the curves.
pub fn size(bytes: f64) -> String {
    match bytes {
        bytes if bytes >= 1e9 => format!("{} GB", round(bytes / 1e9)),
        bytes if bytes >= 1e6 => format!("{} MB", round(bytes / 1e6)),
        bytes if bytes >= 1e3 => format!("{} KB", round(bytes / 1e3)),
        bytes => format!("{bytes} B"),
    }
}

/// As an axis says it.
pub fn round(value: f64) -> String {
    let text = number(value);
    match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => text,
    }
}
