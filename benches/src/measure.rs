//! Rounds that take turns, and what they come to.

use std::time::Duration;

use crate::Outcome;

/// One of those that are compared.
pub(crate) struct Contender<'a> {
    pub(crate) name: &'static str,
    /// How many exchanges it makes in a round.
    pub(crate) exchanges: usize,
    /// Makes that many and says how long they took.
    pub(crate) run: Box<dyn FnMut(usize) -> Outcome<Duration> + 'a>,
}

/// What a contender's rounds came to: µs per exchange, in the order of the rounds.
#[derive(Clone, Debug)]
pub(crate) struct Figures {
    pub(crate) name: &'static str,
    pub(crate) rounds: Vec<f64>,
}

impl Figures {
    pub(crate) fn median(&self) -> f64 {
        quantile(&mut self.rounds.clone(), 0.5)
    }

    pub(crate) fn min(&self) -> f64 {
        self.rounds.iter().copied().fold(f64::INFINITY, f64::min)
    }

    pub(crate) fn max(&self) -> f64 {
        self.rounds.iter().copied().fold(0.0, f64::max)
    }

    /// The median of the rounds' ratios. What disturbs the machine for longer than a round disturbs both alike.
    pub(crate) fn ratio(&self, base: &Self) -> f64 {
        quantile(&mut self.rounds.iter().zip(&base.rounds).map(|(ours, base)| ours / base).collect::<Vec<_>>(), 0.5)
    }
}

/// Lets the contenders take turns. Each makes a tenth of a round before, which does not count.
pub(crate) fn rounds(contenders: &mut [Contender<'_>], rounds: usize) -> Outcome<Vec<Figures>> {
    let mut figures: Vec<_> =
        contenders.iter().map(|contender| Figures { name: contender.name, rounds: Vec::new() }).collect();
    for contender in contenders.iter_mut() {
        (contender.run)(contender.exchanges.div_ceil(10))?;
    }
    for round in 0..rounds {
        // Another one begins each time.
        for turn in 0..contenders.len() {
            let index = (round + turn) % contenders.len();
            let (Some(contender), Some(figures)) = (contenders.get_mut(index), figures.get_mut(index)) else {
                continue;
            };
            let took = (contender.run)(contender.exchanges)?;
            figures.rounds.push(micros(took) / contender.exchanges as f64);
        }
    }
    Ok(figures)
}

pub(crate) fn micros(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e6
}

/// The value below which the part `quantile` of the values lies. It sorts them.
pub(crate) fn quantile(values: &mut [f64], quantile: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    let place = (values.len().saturating_sub(1) as f64 * quantile).round();
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is within the slice")]
    values.get(place as usize).copied().unwrap_or(f64::NAN)
}

/// The figures of `name`.
pub(crate) fn named<'f>(figures: &'f [Figures], name: &str) -> Outcome<&'f Figures> {
    Ok(figures.iter().find(|each| each.name == name).ok_or_else(|| format!("no figures of {name}"))?)
}
