//! Eight processes build overlapping targets while others collect and verify. The long form is the
//! example `many_hands`.

use groundup_tests::hands::Hands;

#[test]
fn each_step_runs_once_and_nothing_needed_is_collected() {
    let mut hands = Hands::new();
    for _ in 0..4 {
        hands.round().unwrap_or_else(|problem| panic!("{problem}"));
    }
    assert!(hands.collections > 0 && hands.verifications > 0, "{hands:?}");
}
