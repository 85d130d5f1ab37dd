//! The picture: bars, shorter is better.

use std::path::Path;

use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use crate::Outcome;
use crate::report::{Panel, number};

const WIDTH: u32 = 760;
const BAR: u32 = 24;
const TITLE: u32 = 40;
/// For the line that says where and when.
const SCENE: u32 = 34;
/// Where the bars begin, for the names are before them.
const NAMES: i32 = 170;
/// Left for the figure behind the longest bar.
const FIGURE: i32 = 110;

const INK: RGBColor = RGBColor(0x24, 0x29, 0x2f);
const OURS: RGBColor = RGBColor(0x1f, 0x6f, 0xeb);
const FLOOR: RGBColor = RGBColor(0x8c, 0x95, 0x9f);
const OTHERS: RGBColor = RGBColor(0xbf, 0xc7, 0xd0);

/// Draws the panels below each other, and `scene` under them.
pub(crate) fn draw(path: &Path, scene: &str, panels: &[Panel]) -> Outcome {
    let heights: Vec<_> =
        panels.iter().map(|panel| TITLE + BAR * u32::try_from(panel.bars.len()).unwrap_or(0)).collect();
    let area = SVGBackend::new(path, (WIDTH, heights.iter().sum::<u32>() + SCENE)).into_drawing_area();
    area.fill(&WHITE)?;
    let mut rest = area.clone();
    for (panel, height) in panels.iter().zip(heights) {
        let (top, below) = rest.split_vertically(height);
        draw_panel(&top, panel)?;
        rest = below;
    }
    rest.draw(&Text::new(scene.to_owned(), (12, 10), ("sans-serif", 12).into_font().color(&INK)))?;
    area.present()?;
    Ok(())
}

fn draw_panel(area: &DrawingArea<SVGBackend<'_>, plotters::coord::Shift>, panel: &Panel) -> Outcome {
    let bold = ("sans-serif", 15).into_font().style(FontStyle::Bold).color(&INK);
    let plain = ("sans-serif", 13).into_font().color(&INK);
    let before = plain.pos(Pos::new(HPos::Right, VPos::Center));
    let behind = plain.pos(Pos::new(HPos::Left, VPos::Center));
    area.draw(&Text::new(panel.title, (12, 14), bold))?;

    let longest = panel.bars.iter().map(|(_, micros)| *micros).fold(f64::MIN_POSITIVE, f64::max);
    let room = f64::from(WIDTH.cast_signed() - NAMES - FIGURE);
    let rows = (TITLE..).step_by(BAR as usize);
    for ((name, micros), top) in panel.bars.iter().zip(rows) {
        let top = top.cast_signed();
        let middle = top + BAR.cast_signed() / 2;
        #[expect(clippy::cast_possible_truncation, reason = "it is within the picture")]
        let end = NAMES + (room * micros / longest) as i32;
        let color = match name.split(',').next() {
            Some("ours") => OURS,
            Some("floor") => FLOOR,
            _ => OTHERS,
        };
        area.draw(&Text::new(*name, (NAMES - 8, middle), before.clone()))?;
        area.draw(&Rectangle::new([(NAMES, top + 3), (end, top + BAR.cast_signed() - 3)], color.filled()))?;
        area.draw(&Text::new(format!("{} µs", number(*micros)), (end + 6, middle), behind.clone()))?;
    }
    Ok(())
}
