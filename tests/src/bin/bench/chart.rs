//! The chart: delivered callbacks a second, by the number of connections. A bar chart is a few lines of SVG, fewer than a
//! library needs to be set up.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{fs, io};

use crate::contender::{Contender, Rows};
use crate::table::{Row, Table};

const WIDTH: f64 = 860.0;
const BAR: f64 = 15.0;
const LEFT: f64 = 230.0;

/// Writes it under `target/bench`, and returns where.
pub(crate) fn write(table: &Table) -> io::Result<PathBuf> {
    fs::create_dir_all(crate::BENCH_FOLDER)?;
    let path = Path::new(crate::BENCH_FOLDER).join("delivered.svg");
    fs::write(&path, draw(table))?;
    Ok(path)
}

fn draw(table: &Table) -> String {
    let is_one_by_one =
        |contender: Contender| matches!(contender, Contender::SqliteOneByOne | Contender::PostgresOneByOne);
    let shown = |contender: Contender| contender.rows() != Rows::None && !is_one_by_one(contender);
    let rows: Vec<_> = table.rows().filter(|(_, contender, _)| shown(*contender)).collect();
    let most = rows.iter().map(|(.., row)| row.delivered).fold(1.0, f64::max);
    let (mut bars, mut y, mut last) = (String::new(), 48.0, None);
    for (connections, contender, Row { delivered, .. }) in &rows {
        if last != Some(*connections) {
            y += if last.is_some() { 14.0 } else { 0.0 };
            let _ = writeln!(bars, r#"<text x="8" y="{:.0}" font-weight="bold">{connections}</text>"#, y + 12.0);
            last = Some(*connections);
        }
        let (width, middle) = (delivered / most * (WIDTH - LEFT - 80.0), y + 12.0);
        let color = match contender.rows() {
            Rows::Athm => "#c2410c",
            Rows::ByHand => "#64748b",
            Rows::Django | Rows::None => "#cbd5e1",
        };
        let _ = writeln!(bars, r#"<text x="{:.0}" y="{middle:.0}" text-anchor="end">{contender}</text>"#, LEFT - 8.0);
        let _ = writeln!(bars, r#"<rect x="{LEFT}" y="{y:.0}" width="{width:.1}" height="{BAR}" fill="{color}"/>"#);
        let _ = writeln!(bars, r#"<text x="{:.0}" y="{middle:.0}">{delivered:.0}</text>"#, LEFT + width + 6.0);
        y += BAR + 4.0;
    }
    let height = y + 12.0;
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" font-family=\"sans-serif\" \
         font-size=\"12\">\n<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n\
         <text x=\"8\" y=\"20\" font-size=\"15\">Callbacks delivered per second, by the number of connections</text>\n\
         {bars}</svg>\n"
    )
}
