//! What is expected of it.

use std::fmt;

use crate::contender::Contender;
use crate::series::Drains;
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

/// Those for which everything was measured. Ratios are of one run.
pub(crate) fn expectations(table: &Table, drains: &Drains) -> Vec<Expectation> {
    let mut expectations = Vec::new();
    let mut expect = |what: String, found: Option<f64>, bound, wanted| {
        expectations.extend(found.map(|found| Expectation { what, found, wanted, bound }));
    };
    for (athm, of_by_hand, django, of_django) in [
        (Contender::SqliteGrouped, [(1, 1.8), (16, 7.0), (64, 8.0)], Contender::DjangoSqlite, 30.0),
        (Contender::PostgresGrouped, [(1, 1.6), (16, 3.5), (64, 4.5)], Contender::DjangoPostgres, 18.0),
    ] {
        for (connections, wanted) in of_by_hand {
            let found = table.ratio(connections, athm, athm.by_hand());
            expect(format!("{athm}, delivered, of by hand at {connections}"), found, Bound::AtLeast, wanted);
        }
        let found = table.ratio(64, athm, django);
        expect(format!("{athm}, delivered, of django-athm at 64"), found, Bound::AtLeast, of_django);
        for connections in [64, 256] {
            let found = table.row(connections, athm).map(|row| row.delivered_of_accepted);
            expect(format!("{athm}, delivered ÷ accepted at {connections}"), found, Bound::AtLeast, 0.95);
        }
        for connections in [1, 16, 64, 256] {
            let rows = table.row(connections, athm).zip(table.row(connections, athm.by_hand()));
            let found = rows.map(|(row, by_hand)| row.p99_ms / by_hand.p99_ms);
            expect(format!("{athm}, p99, of by hand at {connections}"), found, Bound::AtMost, 0.5);
        }
        let found = drains.rate(athm, 1).zip(table.row(64, athm)).map(|(drain, row)| drain / (2.0 * row.delivered));
        expect(format!("{athm}, a backlog's rate, of fresh deliveries at 64"), found, Bound::AtLeast, 1.0);
        let memory = table.row(256, athm).map(|row| row.memory_mib);
        expect(format!("{athm}, MiB at 256"), memory, Bound::AtMost, 32.0);
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
