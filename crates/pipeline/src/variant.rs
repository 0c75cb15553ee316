//! Workers that are known to be wrong, each in one way, so that a test can show that it would notice.
//!
//! [`Correct`] is what runs: all its constants are false, so that nothing of this is left in it. No other variant
//! is ever built but by the simulation.

use std::fmt;

/// In which ways a worker is wrong.
pub trait Variant: fmt::Debug + Copy + Default + 'static {
    /// The end of a partition is taken for proved where the stable end was reached: an upstream transaction still
    /// open may hold older activity.
    const PROOF_BY_STABLE_END: bool = false;
    /// A watermark is as of the time of the answer, not of the request.
    const PROOF_AT_ANSWER: bool = false;
    /// The wall clock is trusted without comparing it with that of the log.
    const CLOCK_UNCHECKED: bool = false;
    /// How long a commit takes counts as an error of the clock.
    const COMMIT_IS_OFF: bool = false;
    /// Partitions that were added since the ends were asked for do not count.
    const COUNT_UNASKED: bool = false;
    /// A watermark entry stands before the activities that it covers.
    const MARK_FIRST: bool = false;
    /// What is not told yet of the runs of activity does not stand in the offsets' metadata.
    const RUNS_FORGOTTEN: bool = false;
    /// What waits to be sent is kept though a partition was lost.
    const LOAD_KEPT: bool = false;
    /// Records are taken in while the outcome of a transaction is not known.
    const TAKES_IN_DOUBT: bool = false;
    /// A transaction of unknown outcome is taken for committed.
    const UNKNOWN_IS_COMMITTED: bool = false;
    /// A transaction of unknown outcome is taken for aborted.
    const UNKNOWN_IS_ABORTED: bool = false;
    /// A transaction that was aborted is not sent again.
    const ABORT_FORGOTTEN: bool = false;
    /// Offsets are committed without a membership.
    const MEMBERSHIP_LEFT_OUT: bool = false;
    /// Offsets are committed under the generation before.
    const MEMBERSHIP_STALE: bool = false;
    /// Accounts are stored in a transaction before that of their effects.
    const ACCOUNTS_AHEAD: bool = false;
    /// A shard that is being revoked has effects in a transaction, and no offset.
    const OFFSET_LEFT_OUT: bool = false;
    /// State is read to the stable end only.
    const STATE_TO_STABLE_END: bool = false;
    /// The marker of a checkpoint is made when the last account is stored, not before the first.
    const MARKER_AT_END: bool = false;
    /// The journal is read on from the committed offset, not from the marker.
    const REPLAY_LEFT_OUT: bool = false;
    /// What an account reflects already is folded into it again.
    const ACCOUNTS_NOT_SKIPPED: bool = false;
    /// Effects of what was folded before are sent again.
    const EFFECTS_REPLAYED: bool = false;
    /// The position within a record is not looked at.
    const ENTRY_IGNORED: bool = false;
    /// What is read ahead is passed over.
    const AHEAD_SHARED: bool = false;
    /// The counts are those of the marker.
    const HEAD_IGNORED: bool = false;
    /// The rules of a model stay in force at ingest when another comes.
    const RULES_KEPT: bool = false;
    /// What was deleted before it was read is passed over in silence.
    const GONE_PASSED: bool = false;
    /// A loss that is accepted is not counted.
    const LOSS_UNCOUNTED: bool = false;
    /// An offset of a source that was brought back is believed.
    const OFFSETS_TRUSTED: bool = false;
    /// A rebuild of a shard is silent up to the committed offset only, which may be one that was brought back.
    const HEAD_UNASKED: bool = false;
    /// It is not noticed that the first records of the state are gone.
    const CUT_UNSEEN: bool = false;
    /// Whose turn it is in a recorded run goes by what this worker has merged, and not by time.
    const TURN_COUNTED: bool = false;
}

/// The worker that runs.
#[derive(Clone, Copy, Debug, Default)]
pub struct Correct;

impl Variant for Correct {}
