//! What a step sees and how runs end, for root and an ordinary user.
mod support;

use groundup_sandbox::Ending;
use support::Fixture;

#[test]
fn these_claims_hold_for_an_ordinary_user_too() {
    support::again_as_an_ordinary_user("these_claims_hold_for_an_ordinary_user_too");
}

#[test]
fn output_is_found_in_the_scratch() {
    let fixture = Fixture::shell("echo made > /out/file; id -u");
    assert_eq!(fixture.succeed(), "1000\n");
    assert_eq!(std::fs::read_to_string(fixture.out("file")).unwrap(), "made\n");
}

#[test]
fn codes_and_signals_come_through() {
    assert_eq!(Fixture::shell("exit 7").run().ending, Ending::Exited(7));
    assert_eq!(Fixture::shell("kill -SEGV $$").run().ending, Ending::Signalled(11));
}
