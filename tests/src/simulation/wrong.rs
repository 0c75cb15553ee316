//! The workers that are known to be wrong, by name: the simulation must find each of them out.

use super::recorded;
use super::schedule::{Report, Weather, run};
use pipeline::variant::Variant;

/// Names a variant for each constant of [`Variant`], and lists them all.
macro_rules! wrong {
    ($($name:ident: $constant:ident,)+) => {
        $(
            #[derive(Clone, Copy, Debug, Default)]
            struct $name;

            impl Variant for $name {
                const $constant: bool = true;
            }
        )+

        /// Each with the run of a seed.
        pub const ALL: &[(&str, fn(u64) -> Report)] = &[
            $((stringify!($constant), |seed| run::<$name>(seed, Weather::Storm)),)+
            ("TURN_COUNTED", recorded::run::<TurnCounted>),
        ];
    };
}

/// Wrong in recorded time alone.
#[derive(Clone, Copy, Debug, Default)]
struct TurnCounted;

impl Variant for TurnCounted {
    const TURN_COUNTED: bool = true;
}

wrong! {
    ProofByStableEnd: PROOF_BY_STABLE_END,
    ProofAtAnswer: PROOF_AT_ANSWER,
    ClockUnchecked: CLOCK_UNCHECKED,
    CommitIsOff: COMMIT_IS_OFF,
    CountUnasked: COUNT_UNASKED,
    MarkFirst: MARK_FIRST,
    RunsForgotten: RUNS_FORGOTTEN,
    LoadKept: LOAD_KEPT,
    TakesInDoubt: TAKES_IN_DOUBT,
    UnknownIsCommitted: UNKNOWN_IS_COMMITTED,
    UnknownIsAborted: UNKNOWN_IS_ABORTED,
    AbortForgotten: ABORT_FORGOTTEN,
    MembershipLeftOut: MEMBERSHIP_LEFT_OUT,
    MembershipStale: MEMBERSHIP_STALE,
    AccountsAhead: ACCOUNTS_AHEAD,
    OffsetLeftOut: OFFSET_LEFT_OUT,
    StateToStableEnd: STATE_TO_STABLE_END,
    MarkerAtEnd: MARKER_AT_END,
    ReplayLeftOut: REPLAY_LEFT_OUT,
    AccountsNotSkipped: ACCOUNTS_NOT_SKIPPED,
    EffectsReplayed: EFFECTS_REPLAYED,
    EntryIgnored: ENTRY_IGNORED,
    AheadShared: AHEAD_SHARED,
    HeadIgnored: HEAD_IGNORED,
    RulesKept: RULES_KEPT,
    GonePassed: GONE_PASSED,
    LossUncounted: LOSS_UNCOUNTED,
    OffsetsTrusted: OFFSETS_TRUSTED,
    HeadUnasked: HEAD_UNASKED,
    CutUnseen: CUT_UNSEEN,
}
