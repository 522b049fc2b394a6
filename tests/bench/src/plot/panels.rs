//! The curves as small multiples.

use std::path::Path;

use plotters::chart::ChartBuilder;
use plotters::coord::combinators::IntoLogRange;
use plotters::element::{Circle, PathElement};
use plotters::prelude::{IntoDrawingArea, SVGBackend};
use plotters::series::LineSeries;
use plotters::style::text_anchor::HPos;
use plotters::style::{Color, WHITE};

use super::{BAND, FAINT, GRID, INK, Svg, colour, text};
use crate::curves::Panel;
use crate::row::OURS;
use crate::table::{round, size};

const WIDTH: i32 = 1240;
const TOP: i32 = 112;
const PANEL: (i32, i32) = (304, 270);
const ACROSS: usize = 4;

pub fn panels(panels: &[Panel], subtitle: &str, path: &Path) {
    let down = panels.len().div_ceil(ACROSS) as i32;
    let height = TOP + PANEL.1 * down + 12;
    let svg = SVGBackend::new(path, (WIDTH as u32, height as u32)).into_drawing_area();
    svg.fill(&WHITE).unwrap();
    text(&svg, "How the cost grows", (24, 26), 24, INK, HPos::Left);
    text(&svg, subtitle, (24, 54), 14, FAINT, HPos::Left);
    legend(&svg, panels);
    let (_, below) = svg.split_vertically(TOP);
    for (at, panel) in panels.iter().enumerate() {
        let (x, y) = (
            (at % ACROSS) as i32 * PANEL.0,
            (at / ACROSS) as i32 * PANEL.1,
        );
        let area = below
            .clone()
            .shrink((x + 12, y), (PANEL.0 as u32, PANEL.1 as u32));
        draw(&svg, &area, panel);
    }
    svg.present().unwrap();
}

fn legend(svg: &Svg, panels: &[Panel]) {
    let mut names: Vec<&str> = Vec::new();
    for line in panels.iter().flat_map(|panel| &panel.lines) {
        if !names.contains(&line.name) {
            names.push(line.name);
        }
    }
    for (at, name) in names.into_iter().enumerate() {
        let x = 30 + 120 * at as i32;
        svg.draw(&Circle::new((x, 84), 5, colour(name).filled()))
            .unwrap();
        text(svg, name, (x + 12, 84), 14, INK, HPos::Left);
    }
}

fn draw(svg: &Svg, area: &Svg, panel: &Panel) {
    let points = || panel.lines.iter().flat_map(|line| &line.points);
    let (left, right) = ends(points().map(|(x, _)| *x), 1.2);
    let (low, high) = ends(points().map(|(_, y)| y.median), 1.6);
    let sign = if panel.unit.more { '↑' } else { '↓' };
    text(area, panel.title, (52, 12), 14, INK, HPos::Left);
    let unit = format!("{} {sign}", panel.unit.name);
    text(area, &unit, (52, 30), 12, FAINT, HPos::Left);
    let mut chart = ChartBuilder::on(area)
        .margin_top(44)
        .margin_right(16)
        .x_label_area_size(26)
        .y_label_area_size(52)
        .build_cartesian_2d((left..right).log_scale(), (low..high).log_scale())
        .unwrap();
    chart.plotting_area().fill(&BAND).unwrap();
    for x in ticks(left, right) {
        chart
            .draw_series([PathElement::new([(x, low), (x, high)], GRID)])
            .unwrap();
        let at = chart.backend_coord(&(x, low));
        text(svg, &size(x), (at.0, at.1 + 12), 12, FAINT, HPos::Center);
    }
    for y in ticks(low, high) {
        chart
            .draw_series([PathElement::new([(left, y), (right, y)], GRID)])
            .unwrap();
        let at = chart.backend_coord(&(left, y));
        text(svg, &round(y), (at.0 - 6, at.1), 12, FAINT, HPos::Right);
    }
    // Ours last, so that it lies on top.
    let (ours, others): (Vec<_>, Vec<_>) = panel.lines.iter().partition(|line| line.name == OURS);
    for line in others.into_iter().chain(ours) {
        let width = if line.name == OURS { 3 } else { 2 };
        let points = || line.points.iter().map(|(x, y)| (*x, y.median));
        let style = colour(line.name).stroke_width(width);
        chart.draw_series(LineSeries::new(points(), style)).unwrap();
        let dots = points().map(|at| Circle::new(at, width + 1, colour(line.name).filled()));
        chart.draw_series(dots).unwrap();
    }
}

/// Powers of ten, and what is between them where there are few.
fn ticks(low: f64, high: f64) -> impl Iterator<Item = f64> {
    let decades = (high / low).log10();
    let between: &[f64] = match decades {
        decades if decades < 1.3 => &[1.0, 2.0, 5.0],
        decades if decades < 2.3 => &[1.0, 3.0],
        _ => &[1.0],
    };
    let powers = low.log10().floor() as i32..=high.log10().ceil() as i32;
    let ticks = powers.flat_map(|power| between.iter().map(move |of| of * 10_f64.powi(power)));
    ticks.filter(move |tick| (low..=high).contains(tick))
}

/// The smallest and the largest, with room around; never so close that noise looks like a change.
fn ends(values: impl Iterator<Item = f64> + Clone, room: f64) -> (f64, f64) {
    let low = values.clone().fold(f64::INFINITY, f64::min) / room;
    let high = values.fold(0.0, f64::max) * room;
    let more = (LEAST / (high / low)).max(1.0).sqrt();
    (low / more, high * more)
}

const LEAST: f64 = 12.0;
