//! The last test of all: it names those that were skipped.

#[test]
fn what_was_skipped_is_named_at_the_end() {
    witness::say(&format!("\n{}", witness::Notes::of_this_run().take()));
}
