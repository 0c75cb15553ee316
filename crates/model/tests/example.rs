//! The example models in `deploy/models` compile without warnings, into plans that are pinned.

use model::plan::{Operator, WHOLE};
use model::{Compiled, compile, operator};

const B2B: &str = include_str!("../../../deploy/models/b2b.yaml");
const OULAD: &str = include_str!("../../../deploy/models/oulad.yaml");

fn compiled(text: &str) -> Result<Compiled, String> {
    compile(text).map_err(|problems| problems.to_string())
}

#[test]
fn the_example_models_compile_without_warnings() {
    for text in [B2B, OULAD] {
        let warnings: Vec<String> =
            compiled(text).unwrap().warnings.iter().map(ToString::to_string).collect();
        assert!(warnings.is_empty(), "{warnings:#?}");
    }
}

#[test]
fn the_plan_of_the_b2b_model_is_as_reviewed() {
    let mut plan = compiled(B2B).unwrap().plan;
    for signal in &mut plan.signals {
        if let Operator::SinceLast { marks, .. } | Operator::Until { marks, .. } = &mut signal.operator {
            // There are hundreds: how many, the first and the last.
            let count = i64::try_from(marks.len()).unwrap();
            *marks = vec![count, marks[0], marks[marks.len() - 1]];
        }
    }
    insta::assert_debug_snapshot!("b2b", plan);
}

#[test]
fn weights_and_sizes_of_the_example_models_are_within_their_bounds() {
    for text in [B2B, OULAD] {
        let plan = compiled(text).unwrap().plan;
        assert_eq!(plan.measures.iter().map(|measure| measure.base_weight).sum::<u32>(), WHOLE);
        let bytes = operator::bytes_per_account(&plan);
        assert!((200..8_000).contains(&bytes), "{bytes} bytes an account");
    }
}
