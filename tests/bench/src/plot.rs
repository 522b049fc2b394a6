//! The plots, as SVG files.

mod panels;
mod rows;

use plotters::coord::Shift;
use plotters::drawing::DrawingArea;
use plotters::element::Text;
use plotters::prelude::SVGBackend;
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{IntoFont, RGBColor, TextStyle};

pub use {panels::panels, rows::rows};

use crate::peers::v0_2;
use crate::row::OURS;

type Svg<'a> = DrawingArea<SVGBackend<'a>, Shift>;

const FONT: &str = "Helvetica, Arial, sans-serif";

const INK: RGBColor = RGBColor(0x22, 0x2b, 0x36);
const FAINT: RGBColor = RGBColor(0x77, 0x82, 0x90);
const GRID: RGBColor = RGBColor(0xdc, 0xe1, 0xe7);
const BAND: RGBColor = RGBColor(0xf4, 0xf6, 0xf9);
const REACHED: RGBColor = RGBColor(0x1a, 0x8f, 0x4b);
const MISSED: RGBColor = RGBColor(0xd0, 0x35, 0x2f);
const LIMIT: RGBColor = INK;

/// A contender has the same colour everywhere, told apart without seeing red from green.
fn colour(name: &str) -> RGBColor {
    match name {
        OURS => RGBColor(0x0b, 0x5f, 0xd0),
        v0_2::NAME => RGBColor(0xe6, 0x9f, 0x00),
        "SQLite" => RGBColor(0x00, 0x9e, 0x8e),
        "redb" => RGBColor(0xcc, 0x5a, 0x9b),
        "fjall" => RGBColor(0x8c, 0x6d, 0x3f),
        "serde_json" => RGBColor(0x7a, 0x4f, 0xc0),
        "newline scan" | "write+fdatasync" => INK,
        _ => FAINT,
    }
}

fn text(svg: &Svg, text: &str, at: (i32, i32), size: i32, colour: RGBColor, side: HPos) {
    let font = TextStyle::from((FONT, size).into_font()).color(&colour);
    let style = font.pos(Pos::new(side, VPos::Center));
    svg.draw(&Text::new(text.to_owned(), at, style)).unwrap();
}
