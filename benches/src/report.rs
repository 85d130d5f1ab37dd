//! Tables, as they are printed and as they are kept.

use std::fmt::{self, Write};
use std::time::SystemTime;

use rustix::system::uname;

use crate::measure::Figures;

/// What a case has found.
#[derive(Debug, Default)]
pub(crate) struct Section {
    pub(crate) tables: Vec<Table>,
    /// Its part of the picture.
    pub(crate) panel: Option<Panel>,
    pub(crate) goals: Vec<Goal>,
    /// Its lines of the README's table.
    pub(crate) highlights: Vec<Highlight>,
}

/// A line of the README's table: of the bare system calls, of this crate, of the published one.
#[derive(Clone, Debug)]
pub(crate) struct Highlight {
    pub(crate) what: &'static str,
    pub(crate) cells: [String; 3],
}

impl Highlight {
    /// Of figures in that order; the published crate may have none.
    pub(crate) fn of_figures(what: &'static str, figures: &[Figures]) -> Self {
        let cell =
            |index: usize| figures.get(index).map_or_else(String::new, |each| format!("{} µs", number(each.median())));
        Self { what, cells: [cell(0), cell(1), cell(2)] }
    }
}

/// Bars under a title: names and µs.
#[derive(Clone, Debug)]
#[cfg_attr(not(feature = "chart"), expect(dead_code, reason = "only the picture reads it"))]
pub(crate) struct Panel {
    pub(crate) title: &'static str,
    pub(crate) bars: Vec<(&'static str, f64)>,
}

/// What this crate is meant to keep to, and what was measured.
#[derive(Clone, Debug)]
pub(crate) struct Goal {
    pub(crate) what: String,
    pub(crate) measured: f64,
    pub(crate) most: f64,
}

impl Goal {
    pub(crate) fn new(what: impl Into<String>, measured: f64, most: f64) -> Self {
        Self { what: what.into(), measured, most }
    }

    pub(crate) fn is_met(&self) -> bool {
        self.measured <= self.most
    }

    pub(crate) fn table(goals: &[Self]) -> Table {
        let mut table = Table::new("Goals", &["measured", "at most", "met"]);
        for goal in goals {
            let Self { what, measured, most } = goal;
            let short = |value: &f64| format!("{value:.2}").trim_end_matches('0').trim_end_matches('.').to_owned();
            table.row(what, vec![short(measured), short(most), if goal.is_met() { "yes" } else { "NO" }.to_owned()]);
        }
        table
    }
}

/// A table with a title. The first column is of names, the others are of figures.
#[derive(Clone, Debug)]
pub(crate) struct Table {
    pub(crate) title: String,
    pub(crate) columns: Vec<String>,
    pub(crate) rows: Vec<(String, Vec<String>)>,
    /// Lines below it.
    pub(crate) notes: Vec<String>,
}

impl Table {
    pub(crate) fn new(title: impl Into<String>, columns: &[&str]) -> Self {
        Self {
            title: title.into(),
            columns: columns.iter().map(|&column| column.into()).collect(),
            rows: Vec::new(),
            notes: Vec::new(),
        }
    }

    /// Text without blanks at the ends of its lines.
    pub(crate) fn trimmed(text: &str) -> String {
        text.lines().flat_map(|line| [line.trim_end(), "\n"]).collect()
    }

    pub(crate) fn row(&mut self, name: impl Into<String>, cells: Vec<String>) {
        self.rows.push((name.into(), cells));
    }

    /// Medians, least and greatest, and the ratio to each of `bases`; in µs.
    pub(crate) fn of_figures(title: impl Into<String>, figures: &[Figures], bases: &[&str]) -> Self {
        Self::of_scaled(title, figures, bases, "median µs", 1.0)
    }

    /// The same in ns.
    pub(crate) fn in_ns(title: impl Into<String>, figures: &[Figures], bases: &[&str]) -> Self {
        Self::of_scaled(title, figures, bases, "median ns", 1000.0)
    }

    fn of_scaled(title: impl Into<String>, figures: &[Figures], bases: &[&str], unit: &str, scale: f64) -> Self {
        let bases: Vec<_> = bases.iter().filter_map(|base| figures.iter().find(|each| each.name == *base)).collect();
        let mut table = Self::new(title, &[unit, "min", "max"]);
        table.columns.extend(bases.iter().map(|base| format!("x {}", base.name)));
        for each in figures {
            let mut cells = [each.median(), each.min(), each.max()].map(|value| number(value * scale)).to_vec();
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
        self.rows.iter().try_for_each(|(name, cells)| writeln!(f, "{}", line(name, cells)))?;
        self.notes.iter().try_for_each(|note| writeln!(f, "  {note}"))
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
