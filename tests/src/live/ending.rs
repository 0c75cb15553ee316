//! What is looked at when all is over: the outputs, the accounts, and how time came.

use super::outputs::{Folded, Published};
use super::stream::Stream;
use crate::simulation::journal::{self, Line, Time};
use crate::simulation::outputs::{Reference, fold};
use anyhow::{Result, anyhow, ensure};
use engine::effect::Standing;
use log::simulated::Cluster;
use model::source::Source;
use std::collections::{BTreeMap, BTreeSet};

/// Where an account stands, as far as it may not depend on how it came there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stand {
    /// Hundredths of a point.
    pub score: Option<u32>,
    /// The band; `None` where the score is as near to a limit as the margin, within which it depends on where the
    /// score came from.
    pub band: Option<String>,
    /// Coverage, the value, points and contribution of each measure, the cap, what is known of the account, how far
    /// time has come.
    pub rest: String,
}

impl Stand {
    fn of(standing: &Standing<'_>) -> Self {
        let lines: Vec<_> = standing
            .lines
            .iter()
            .map(|line| (line.freshness, line.value, line.points, line.weight, line.contribution))
            .collect();
        let Standing { account, coverage, complete_to, sources_out, cap, status, .. } = standing;
        let plan = standing.plan;
        let near = |score: u32| {
            plan.bands
                .iter()
                .any(|band| band.at_least > 0 && score.abs_diff(band.at_least) <= plan.band_margin)
        };
        let band = standing.band.filter(|_| !standing.score.is_some_and(near));
        Self {
            score: standing.score,
            band: band.map(|band| plan.bands[band].name.clone()),
            rest: format!(
                "{status:?} {coverage} {lines:?} {cap:?} {sources_out:?} {complete_to:?} {account:?}"
            ),
        }
    }
}

/// What a run came to.
#[derive(Clone, Debug, Default)]
pub struct End {
    /// Where each account stands.
    pub accounts: BTreeMap<String, Stand>,
    /// The furthest that all other sources went while T of the stalled one stood still, ms.
    pub stood: i64,
    /// Journal entries, and output records.
    pub entries: u64,
    pub outputs: u64,
}

/// Checks what must be true of every run, and looks where each account stands.
pub(super) fn look(
    cluster: &Cluster,
    stream: &Stream,
    published: &Published,
    end: i64,
    stalled: Option<Source>,
) -> Result<End> {
    check_balance(cluster, stream)?;
    let (mut found, mut reference) = (End { stood: i64::MAX, ..End::default() }, Reference::default());
    for (number, published) in (0..).zip(&published.digests) {
        let frames = journal::frames(cluster, number);
        let mut folded = Folded::new(number);
        let mut shard = fold(&frames, &mut folded, &mut reference).map_err(|finding| anyhow!(finding))?;
        ensure!(
            *published == folded.digests,
            "outputs of journal {number}: {published:?}, and folded again {:?}",
            folded.digests
        );
        found.outputs += published.iter().map(|digest| digest.records).sum::<u64>();
        let counts = shard.counts();
        ensure!((counts.crossed, counts.forgotten) == (0, 0), "a ceiling was crossed: {counts:?}");
        let lines = journal::lines(&frames).map_err(|finding| anyhow!(finding))?;
        found.stood = found.stood.min(follow_time(stream, &lines, end, stalled)?);
        for account in accounts(&lines) {
            let stand = shard.standing(account, Stand::of);
            found.accounts.extend(stand.map(|stand| (account.to_owned(), stand)));
        }
    }
    found.entries = reference.entries;
    Ok(found)
}

/// Every record of the stream is accounted for.
fn check_balance(cluster: &Cluster, stream: &Stream) -> Result<()> {
    let balance = pipeline::balance(&cluster.process("auditor"))?;
    for ((source, partition), account) in &balance {
        ensure!(account.unaccounted() == 0 && account.backwards == 0, "{source}/{partition}: {account:?}");
    }
    let records: u64 = balance.values().map(|account| account.records).sum();
    ensure!(records == stream.len() as u64, "{records} records of {}", stream.len());
    Ok(())
}

fn accounts(lines: &[Line]) -> BTreeSet<&str> {
    fn account(line: &Line) -> Option<&str> {
        match line {
            Line::Activity(told) => Some(&told.account),
            Line::Watermarks(_) | Line::Model => None,
        }
    }
    lines.iter().filter_map(account).collect()
}

/// Follows time through a journal partition. Returns the furthest that all other sources went while T of one stood.
///
/// # Errors
/// At the end, T of a source is not where it must be.
fn follow_time(stream: &Stream, lines: &[Line], end: i64, stalled: Option<Source>) -> Result<i64> {
    let (mut time, mut since, mut furthest) = (Time::default(), None, 0);
    for line in lines {
        let Line::Watermarks(marks) = line else { continue };
        time.take(marks);
        let Some(stalled) = stalled else { continue };
        let others = Source::ALL.into_iter().filter(|source| *source != stalled);
        let (Some(at), Some(least)) =
            (time.of(stalled), others.map(|source| time.of(source)).min().flatten())
        else {
            continue;
        };
        match since {
            Some((stood, from)) if stood == at => furthest = furthest.max(least - from),
            Some(_) | None => since = Some((at, least)),
        }
    }
    for source in Source::ALL {
        let (reached, wanted) = (time.of(source), end - stream.max_delay(source));
        ensure!(reached == Some(wanted), "at the end T of {source} is {reached:?}, not {wanted}");
    }
    Ok(furthest)
}
