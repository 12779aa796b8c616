//! A receiver that ends its process, on several processes.

use crate::delivery::suspects::Programs;

#[test]
fn of_twenty_deliveries_on_three_processes_the_one_that_aborts_is_dead_after_its_own_attempts_and_all_others_succeed() {
    let mut programs = Programs::new(&["--aborts", "--attempts", "3"]);
    programs.run(3);
    programs.check_that_the_culprit_alone_paid("3");
}
