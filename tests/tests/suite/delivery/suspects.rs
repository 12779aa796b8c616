//! A receiver that ends its process costs no other delivery an attempt.

use std::process::{Child, Command, Stdio};

use athm_tests::{Pace, TestDatabase};

use crate::Database;

/// How many seconds pass in one for the programs: a lease of 30 s, and a retry after 20 s, end soon.
const SPEED: u32 = 20;

/// Programs on one database whose receiver may end them.
pub(crate) struct Programs {
    database: Database,
    pace: Pace,
    options: Vec<String>,
    /// What they printed.
    lines: Vec<String>,
    /// How many were aborted.
    aborted: usize,
}

impl Programs {
    pub(crate) fn new(options: &[&str]) -> Self {
        let options = options.iter().map(ToString::to_string).collect();
        let (database, pace) = (Database::new(), Pace::from_now(SPEED));
        Self { database, pace, options, lines: Vec::new(), aborted: 0 }
    }

    fn start(&self, options: &[&str]) -> Child {
        let mut program = Command::new(env!("CARGO_BIN_EXE_aborting_receiver"));
        program.args(["--database", &self.database.url(), "--speed", &SPEED.to_string()]);
        program.args(["--since", &self.pace.since.to_string()]).args(&self.options).args(options);
        program.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap()
    }

    /// Waits for a program to end. Returns what it printed, and whether it was aborted.
    fn wait(program: Child) -> (Vec<String>, bool) {
        let output = program.wait_with_output().unwrap();
        let lines = String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect();
        (lines, !output.status.success())
    }

    /// Keeps that many programs running, each started again when it is aborted, until all have ended by themselves.
    pub(crate) fn run(&mut self, count: usize) {
        let run = || {
            let (mut printed, mut aborted) = (Vec::new(), 0);
            loop {
                let (lines, was_aborted) = Self::wait(self.start(&[]));
                printed.extend(lines);
                if !was_aborted {
                    return (printed, aborted);
                }
                aborted += 1;
                assert!(aborted < 20, "it is never dead: {printed:?}");
            }
        };
        let ran: Vec<_> = std::thread::scope(|scope| {
            let programs: Vec<_> = (0..count).map(|_| scope.spawn(run)).collect();
            programs.into_iter().map(|program| program.join().unwrap()).collect()
        });
        for (lines, aborted) in ran {
            self.lines.extend(lines);
            self.aborted += aborted;
        }
    }

    /// The words of the lines that begin with this one, without it.
    fn of(&self, first: &str) -> Vec<Vec<&str>> {
        let mut found: Vec<_> = self.lines.iter().map(|line| line.splitn(4, ' ').collect::<Vec<_>>()).collect();
        found.retain(|words| words[0] == first);
        found.into_iter().map(|words| words[1..].to_vec()).collect()
    }

    /// 19 of 20 payments have succeeded, on the first attempt, and the delivery of the first is dead, after its own attempts.
    pub(crate) fn check_that_the_culprit_alone_paid(&self, attempts: &str) {
        let mut succeeded = self.of("succeeded");
        assert!(succeeded.iter().all(|words| words[1] == "1"), "{succeeded:?}");
        succeeded.sort_unstable();
        succeeded.dedup();
        assert_eq!(succeeded.len(), 19, "{succeeded:?}");
        assert!(succeeded.iter().all(|words| words[0] != "order-1"));
        let mut dead = self.of("dead");
        dead.dedup();
        assert_eq!(dead.len(), 1, "{dead:?}");
        assert_eq!(dead[0][1], attempts);
        assert!(dead[0][2].contains("the receiver may have ended the process"), "{dead:?}");
    }
}

#[test]
fn of_twenty_deliveries_the_one_that_aborts_the_process_is_dead_after_its_own_attempts_and_all_others_succeed() {
    for attempts in ["3", "1"] {
        let mut programs = Programs::new(&["--aborts", "--attempts", attempts]);
        programs.run(1);
        programs.check_that_the_culprit_alone_paid(attempts);
        // Two processes ended before it was a suspect.
        assert_eq!(programs.aborted, 2 + attempts.parse::<usize>().unwrap());
    }
}

#[test]
fn a_process_that_exits_after_recording_costs_no_delivery_its_only_attempt() {
    let mut programs = Programs::new(&["--attempts", "1"]);
    for _ in 0..2 {
        let program = programs.start(&["--exits"]);
        assert!(!Programs::wait(program).1);
        programs.database.end_leases();
    }
    programs.run(1);
    let mut succeeded = programs.of("succeeded");
    succeeded.sort_unstable();
    succeeded.dedup();
    assert_eq!((succeeded.len(), programs.of("dead").len()), (20, 0), "{:?}", programs.lines);
}
