//! Promise 1: an acknowledged message is never lost.

#[test]
fn promise_1_no_acknowledged_message_is_lost_when_the_process_is_killed() {
    let output =
        std::process::Command::new(env!("CARGO_BIN_EXE_soak")).args(["--kills", "3", "--json"]).output().unwrap();
    let printed = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{printed}");
    let counted: serde_json::Value = serde_json::from_str(&printed).unwrap();
    assert!(counted["acknowledged"].as_u64().unwrap() > 0, "{printed}");
    for zero in ["lost", "missing_effects", "duplicate_effects"] {
        assert_eq!(counted[zero], 0, "{printed}");
    }
}
