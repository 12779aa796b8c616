//! What is expected of it.

use std::fmt;

use crate::contender::Contender;
use crate::table::Table;

/// One expectation, and what was found.
pub(crate) struct Expectation {
    what: String,
    found: f64,
    wanted: f64,
    bound: Bound,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Bound {
    AtLeast,
    AtMost,
}

/// Those for which everything was measured.
pub(crate) fn expectations(table: &Table) -> Vec<Expectation> {
    let mut expectations = Vec::new();
    let mut expect = |what: String, found: Option<f64>, bound, wanted| {
        expectations.extend(found.map(|found| Expectation { what, found, wanted, bound }));
    };
    for (contender, wanted_at_16, wanted_at_64) in
        [(Contender::SqliteGrouped, 0.13, 0.17), (Contender::PostgresGrouped, 0.10, 0.13)]
    {
        for (connections, wanted) in [(16, wanted_at_16), (64, wanted_at_64)] {
            let what = format!("{contender}, of no database at {connections}");
            expect(what, table.ratio(connections, contender, Contender::NoDatabase), Bound::AtLeast, wanted);
        }
    }
    for (exactly_once, own_row) in [
        (Contender::SqliteExactlyOnce, Contender::SqliteOwnRow),
        (Contender::PostgresExactlyOnce, Contender::PostgresOwnRow),
    ] {
        for connections in [1, 16, 64] {
            let cost = table.ratio(connections, own_row, exactly_once);
            expect(format!("{exactly_once}, times its own row's cost at {connections}"), cost, Bound::AtMost, 1.3);
        }
    }
    for (grouped, one_by_one) in [
        (Contender::SqliteGrouped, Contender::SqliteOneByOne),
        (Contender::PostgresGrouped, Contender::PostgresOneByOne),
    ] {
        expect(format!("{grouped}, of one by one at 64"), table.ratio(64, grouped, one_by_one), Bound::AtLeast, 3.0);
        let row = table.row(1, grouped).zip(table.row(1, Contender::NoDatabase));
        if let Some(((row, bare), sync_ms)) = row.zip(table.sync_ms()) {
            let what = format!("{grouped}, p50 ms at 1 (two fsyncs of {sync_ms:.2} ms and the HTTP time)");
            expect(what, Some(row.p50_ms), Bound::AtMost, 2.0 * sync_ms + bare.p50_ms);
        }
        let memory = table.row(256, grouped).map(|row| row.memory_mib);
        expect(format!("{grouped}, MiB at 256"), memory, Bound::AtMost, 32.0);
    }
    expectations
}

impl fmt::Display for Expectation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { what, found, wanted, bound } = self;
        let (bound, is_met) = match bound {
            Bound::AtLeast => ("at least", found >= wanted),
            Bound::AtMost => ("at most", found <= wanted),
        };
        let verdict = if is_met { "met" } else { "MISSED" };
        write!(f, "{verdict:<7} {what}: {found:.2}, {bound} {wanted:.2} wanted")
    }
}
