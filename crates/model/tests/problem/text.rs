//! Texts that are no tree of plain values, or too large a one.

use super::{GOOD, problems};
use model::compile;
use rstest::rstest;

#[rstest]
#[case::empty("", "1:1: the model is empty; write a model")]
#[case::comment("# nothing\n", "1:1: the model is empty; write a model")]
#[case::no_mapping("- a\n", "1:1: a mapping belongs here; write `key: value` pairs")]
#[case::syntax(
    "format: 1\nmodel: { a: b\n",
    "3:1: not YAML: while parsing a flow mapping, did not find expected ',' or '}'; check colons, indentation, quotes and brackets here and on the line before"
)]
#[case::tab("format: 1\n\tmodel: x\n", "1:9: not YAML: while scanning a plain scalar, found a tab")]
#[case::twice("format: 1\nformat: 1\n", "2:1: `format` is defined twice; keep one of them")]
#[case::anchor("a: &x 1\n", "1:4: an anchor (`&`) is not part of the language; leave it out")]
#[case::alias(
    "a: &x 1\nb: *x\n",
    "1:4: an anchor (`&`) is not part of the language; leave it out\n2:4: an alias (`*`) is not part of the language; write the value out"
)]
#[case::tag("a: !!int 1\n", "1:4: a tag (`!`) is not part of the language; leave it out")]
#[case::documents("a: 1\n---\nb: 1\n", "2:1: a second document begins; keep one model in a file")]
#[case::key("? [a]\n: 1\n", "1:3: a key is not a plain word; write the key as one word")]
fn what_is_no_tree_of_plain_values(#[case] text: &str, #[case] told: &str) {
    let all = problems(text);
    assert!(all.starts_with(told), "{all}");
}

#[test]
fn texts_are_bounded_in_size_depth_and_number() {
    let deep = format!("a: {}", "[".repeat(40));
    assert_eq!(problems(&deep), "1:35: values are nested more than 32 deep; make it flatter");
    let long = " ".repeat((1 << 20) + 1);
    assert_eq!(problems(&long), "1:1: the model is longer than 1 MiB; make it shorter");
    let many: String = (0..513).map(|i| format!("  s{i}: {{ count: login, over: 7d }}\n")).collect();
    let all = problems(&GOOD.replace("signals:\n", &format!("signals:\n{many}")));
    assert!(
        all.starts_with("8:3: signals: 522 are defined, at most 512 can be; keep those that matter\n"),
        "{all}"
    );
    let wrong: String = (0..5_000).map(|i| format!("k{i}: x\n")).collect();
    assert_eq!(compile(&wrong).unwrap_err().0.len(), 1_000);
}
