//! Tables, as they are printed and as they are kept.

use std::fmt::{self, Write};
use std::time::SystemTime;

use rustix::system::uname;

use crate::measure::Figures;

/// A table with a title. The first column is of names, the others are of figures.
#[derive(Clone, Debug)]
pub(crate) struct Table {
    pub(crate) title: String,
    pub(crate) columns: Vec<String>,
    pub(crate) rows: Vec<(String, Vec<String>)>,
}

impl Table {
    pub(crate) fn new(title: impl Into<String>, columns: &[&str]) -> Self {
        Self { title: title.into(), columns: columns.iter().map(|&column| column.into()).collect(), rows: Vec::new() }
    }

    pub(crate) fn row(&mut self, name: impl Into<String>, cells: Vec<String>) {
        self.rows.push((name.into(), cells));
    }

    /// Medians, least and greatest, and the ratio to each of `bases`.
    pub(crate) fn of_figures(title: impl Into<String>, figures: &[Figures], bases: &[&str]) -> Self {
        let bases: Vec<_> = bases.iter().filter_map(|base| figures.iter().find(|each| each.name == *base)).collect();
        let mut table = Self::new(title, &["median µs", "min", "max"]);
        table.columns.extend(bases.iter().map(|base| format!("x {}", base.name)));
        for each in figures {
            let mut cells = vec![number(each.median()), number(each.min()), number(each.max())];
            cells.extend(bases.iter().map(|base| format!("{:.2}", each.ratio(base))));
            table.row(each.name, cells);
        }
        table
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.rows.iter().map(|(name, _)| name.chars().count());
        let first = names.max().unwrap_or(0).max(12);
        let widths: Vec<_> = (0..self.columns.len())
            .map(|column| {
                let cells = self.rows.iter().filter_map(|(_, cells)| cells.get(column));
                cells.chain(self.columns.get(column)).map(|cell| cell.chars().count()).max().unwrap_or(0)
            })
            .collect();
        let line = |name: &str, cells: &[String]| {
            let mut line = format!("  {name:<first$}");
            for (cell, width) in cells.iter().zip(&widths) {
                // Writing into a `String` does not fail.
                let _ = write!(line, "  {cell:>width$}");
            }
            line
        };
        writeln!(f, "{}", self.title)?;
        writeln!(f, "{}", line("", &self.columns))?;
        self.rows.iter().try_for_each(|(name, cells)| writeln!(f, "{}", line(name, cells)))
    }
}

/// Three digits that matter.
pub(crate) fn number(value: f64) -> String {
    match value {
        value if value < 0.1 => format!("{value:.4}"),
        value if value < 10.0 => format!("{value:.3}"),
        value if value < 100.0 => format!("{value:.2}"),
        value => format!("{value:.0}"),
    }
}

/// Where and when this was measured, in one line.
pub(crate) fn scene() -> String {
    let cpu = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpu.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": ")).map(|(_, model)| model);
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let system = uname();
    let now = humantime::format_rfc3339_seconds(SystemTime::now()).to_string();
    let date = now.split('T').next().unwrap_or_default();
    format!(
        "{}, {cores} cores; {} {}; {date}",
        model.unwrap_or("unknown processor").trim(),
        system.sysname().to_string_lossy(),
        system.release().to_string_lossy(),
    )
}
