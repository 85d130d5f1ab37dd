//! What is printed as it is found, and written at the end.

use std::fmt::Display;
use std::fs;
use std::path::Path;

use crate::Outcome;
use crate::report::{Goal, Highlight, Panel, Section, Table, number, scene};

pub(crate) struct Results {
    scene: String,
    text: String,
    panels: Vec<Panel>,
    goals: Vec<Goal>,
    highlights: Vec<Highlight>,
}

impl Results {
    pub(crate) fn new(rounds: usize) -> Self {
        let mut results =
            Self { scene: scene(), text: String::new(), panels: Vec::new(), goals: Vec::new(), highlights: Vec::new() };
        results.say(results.scene.clone());
        results.say(format!("{rounds} rounds; a ratio is the median of the rounds' ratios\n"));
        results
    }

    fn say(&mut self, what: impl Display) {
        let what = format!("{what}\n");
        print!("{what}");
        self.text.push_str(&what);
    }

    pub(crate) fn add(&mut self, section: Section) {
        section.tables.iter().for_each(|table| self.say(table));
        self.panels.extend(section.panel);
        self.goals.extend(section.goals);
        self.highlights.extend(section.highlights);
    }

    /// Says which goals are met.
    pub(crate) fn end(&mut self) {
        if !self.goals.is_empty() {
            self.say(Goal::table(&self.goals));
        }
    }

    /// Writes the tables and, if this was built to draw, the picture.
    pub(crate) fn write_to(&self, directory: &Path) -> Outcome {
        fs::create_dir_all(directory)?;
        fs::write(directory.join("results.txt"), Table::trimmed(&self.text))?;
        #[cfg(feature = "chart")]
        if !self.panels.is_empty() {
            crate::chart::draw(&directory.join("chart.svg"), &self.scene, &self.panels)?;
        }
        Ok(())
    }

    /// Puts the most telling figures between the two marks of a README.
    pub(crate) fn put_into(&self, readme: &Path) -> Outcome {
        let before = fs::read_to_string(readme)?;
        let marked = before.split_once(BEGIN).and_then(|(head, rest)| Some((head, rest.split_once(END)?.1)));
        let (head, tail) = marked.ok_or_else(|| format!("{} lacks the marks {BEGIN} and {END}", readme.display()))?;
        let mut table = String::from("| | bare system calls | ipc-server 0.4 | 0.3.2 |\n|---|---|---|---|\n");
        for Highlight { what, cells } in &self.highlights {
            table += &format!("| {what} | {} |\n", cells.join(" | "));
        }
        let goal =
            |Goal { what, measured, most }: &Goal| format!("- {what}: {} (goal: at most {most})\n", number(*measured));
        let unmet: String = self.goals.iter().filter(|goal| !goal.is_met()).map(goal).collect();
        let goals = if unmet.is_empty() { String::new() } else { format!("\nNot met are these goals:\n\n{unmet}") };
        fs::write(readme, format!("{head}{BEGIN}\n{table}\n{}.\n{goals}{END}{tail}", self.scene))?;
        Ok(())
    }
}

const BEGIN: &str = "<!-- figures: benches -->";
const END: &str = "<!-- end of figures -->";
