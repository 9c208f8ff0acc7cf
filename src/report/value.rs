//! A value as a person wants to read it: rows as a table, records as a tree, long ones folded.
use unicode_width::UnicodeWidthStr;

use crate::report::style::{Line, Tone};
use crate::value::show::{self, show};
use crate::value::{Record, Response, Value, json};

/// Rows of a table, elements of a list, lines of a text.
const ROWS: usize = 50;
/// Lines of a tree.
const TREE: usize = 200;
/// Columns of one cell, letters of one line of a text.
const CELL: usize = 60;
const LINE: usize = 2000;
/// What is larger is not taken apart.
const LARGE: usize = 1 << 20;

/// In so many columns.
#[must_use]
pub fn lines(value: &Value, width: usize) -> Vec<Line> {
    match value {
        Value::List(items) => match rows(items) {
            Some(rows) => table(&rows, items.len(), width),
            None => list(items),
        },
        Value::Record(record) if !record.0.is_empty() => tree(value),
        Value::Response(response) => answer(response),
        Value::Str(text) => text_lines(text),
        Value::Null
        | Value::Bool(_)
        | Value::Int(_)
        | Value::Decimal(_)
        | Value::Bytes(_)
        | Value::Duration(_)
        | Value::Size(_)
        | Value::Time(_)
        | Value::Record(_)
        | Value::Connection(_)
        | Value::Secret(_) => vec![plain(show(value))],
    }
}

/// Whether it is better read in lines of its own than in one: rows, and what is too wide for it.
#[must_use]
pub fn is_long(value: &Value, width: usize) -> bool {
    match value {
        Value::List(items) => items.len() > 1 && (rows(items).is_some() || show(value).width() > width),
        _ => false,
    }
}

fn plain(text: impl Into<String>) -> Line {
    Line::new(0).put(Tone::Plain, text)
}

fn more(count: usize, of: &str) -> Line {
    let s = if count == 1 { "" } else { "s" };
    Line::new(0).put(Tone::Dim, format!("… {count} more {of}{s}, not shown"))
}

/// Those that are shown, when each is a record with the same fields of plain values.
fn rows(items: &[Value]) -> Option<Vec<&Record>> {
    let Some(Value::Record(first)) = items.first() else { return None };
    let is_plain = |value: &Value| !matches!(value, Value::List(_) | Value::Record(_) | Value::Response(_));
    let fits = |item: &Value| match item {
        Value::Record(row) => {
            row.0.len() == first.0.len()
                && row.0.iter().zip(&first.0).all(|((name, value), (of, _))| name == of && is_plain(value))
        }
        _ => false,
    };
    let shown = items.get(..ROWS.min(items.len()))?;
    (!first.0.is_empty() && shown.iter().all(fits)).then(|| {
        let rows = shown.iter().filter_map(|item| match item {
            Value::Record(row) => Some(&**row),
            _ => None,
        });
        rows.collect()
    })
}

fn table(rows: &[&Record], count: usize, width: usize) -> Vec<Line> {
    let Some(first) = rows.first() else { return Vec::new() };
    let cell = |value: &Value| match value {
        Value::Null => String::new(),
        value => cut(&show(value).replace('\n', "\\n"), CELL),
    };
    let names: Vec<&str> = first.0.iter().map(|(name, _)| name.as_str()).collect();
    let cells: Vec<Vec<String>> = rows.iter().map(|row| row.0.iter().map(|(_, value)| cell(value)).collect()).collect();
    let widths: Vec<usize> = names
        .iter()
        .enumerate()
        .map(|(at, name)| {
            let column = cells.iter().filter_map(|row| row.get(at)).map(|cell| cell.width()).max().unwrap_or(0);
            column.max(name.width())
        })
        .collect();
    let whole = widths.iter().sum::<usize>() + 2 * widths.len().saturating_sub(1);
    let mut lines = if whole <= width { aligned(&names, &cells, &widths, rows) } else { one_by_one(&names, &cells) };
    if count > rows.len() {
        lines.push(more(count - rows.len(), "row"));
    } else if count > 1 {
        lines.push(Line::new(0).put(Tone::Dim, format!("{count} rows")));
    }
    lines
}

fn aligned(names: &[&str], cells: &[Vec<String>], widths: &[usize], rows: &[&Record]) -> Vec<Line> {
    let is_number = |at: usize| {
        rows.iter().all(|row| matches!(row.0.get(at), Some((_, Value::Int(_) | Value::Decimal(_) | Value::Null))))
    };
    let pad = |text: &str, at: usize| {
        let blanks = " ".repeat(widths.get(at).copied().unwrap_or(0).saturating_sub(text.width()));
        if is_number(at) { format!("{blanks}{text}") } else { format!("{text}{blanks}") }
    };
    let joined = |texts: &mut dyn Iterator<Item = String>| texts.collect::<Vec<_>>().join("  ").trim_end().to_owned();
    let head = joined(&mut names.iter().enumerate().map(|(at, name)| pad(name, at)));
    let mut lines = vec![Line::new(0).put(Tone::Strong, head)];
    lines.extend(cells.iter().map(|row| plain(joined(&mut row.iter().enumerate().map(|(at, cell)| pad(cell, at))))));
    lines
}

/// Where a table is wider than the window.
fn one_by_one(names: &[&str], cells: &[Vec<String>]) -> Vec<Line> {
    let mut lines = Vec::new();
    for (number, row) in cells.iter().enumerate() {
        lines.push(Line::new(0).put(Tone::Dim, format!("row {}", number + 1)));
        let fields = names.iter().zip(row);
        lines
            .extend(fields.map(|(name, cell)| {
                Line::new(1).put(Tone::Doing, format!("{name}: ")).put(Tone::Plain, cell.as_str())
            }));
    }
    lines
}

fn list(items: &[Value]) -> Vec<Line> {
    if items.is_empty() {
        return vec![plain("[]")];
    }
    if items.iter().any(|item| matches!(item, Value::List(_) | Value::Record(_))) {
        return branches(&mut items.iter().map(|item| (String::from("-"), item)));
    }
    let mut lines: Vec<Line> = items.iter().take(ROWS).map(|item| plain(cut(&show(item), LINE))).collect();
    if items.len() > ROWS {
        lines.push(more(items.len() - ROWS, "element"));
    }
    lines
}

fn tree(value: &Value) -> Vec<Line> {
    let Value::Record(record) = value else { return Vec::new() };
    branches(&mut record.0.iter().map(|(name, value)| (format!("{name}:"), value)))
}

fn branches(items: &mut dyn Iterator<Item = (String, &Value)>) -> Vec<Line> {
    let mut lines = Vec::new();
    let mut hidden = 0;
    items.for_each(|(name, value)| branch(0, &name, value, &mut lines, &mut hidden));
    if hidden > 0 {
        lines.push(more(hidden, "line"));
    }
    lines
}

/// How deep a tree is shown.
const DEPTH: usize = 12;

fn branch(depth: usize, name: &str, value: &Value, lines: &mut Vec<Line>, hidden: &mut usize) {
    if lines.len() >= TREE {
        *hidden += 1;
        return;
    }
    let head = Line::new(depth).put(Tone::Doing, name);
    match value {
        Value::Record(record) if !record.0.is_empty() && depth < DEPTH => {
            lines.push(head);
            record.0.iter().for_each(|(name, value)| branch(depth + 1, &format!("{name}:"), value, lines, hidden));
        }
        Value::List(items) if !items.is_empty() && depth < DEPTH => {
            lines.push(head);
            items.iter().for_each(|value| branch(depth + 1, "-", value, lines, hidden));
        }
        value => lines.push(head.put(Tone::Plain, format!(" {}", cut(&show::literal(value), LINE)))),
    }
}

fn answer(response: &Response) -> Vec<Line> {
    let head = format!("{} {} answered {}", response.method, response.shown_url(), response.status);
    let mut lines = vec![Line::new(0).put(Tone::Dim, head)];
    if let Some(name) = &response.secret {
        lines.push(plain(format!("‹{name}›")));
        return lines;
    }
    let body = &response.body;
    match body.text() {
        Some(text) if text.len() <= LARGE => match json::parse(text) {
            Ok(value @ (Value::Record(_) | Value::List(_))) => lines.extend(self::lines(&value, CELL)),
            Ok(_) | Err(_) => lines.extend(text_lines(text)),
        },
        Some(text) => lines.extend(text_lines(text)),
        None => lines.push(plain(format!("{} bytes", body.bytes().len()))),
    }
    lines
}

fn text_lines(text: &str) -> Vec<Line> {
    if text.is_empty() {
        return vec![Line::new(0).put(Tone::Dim, "\"\"")];
    }
    let mut lines: Vec<Line> = text.lines().take(ROWS).map(|line| plain(cut(line, LINE))).collect();
    let rest = text.lines().skip(ROWS).count();
    if rest > 0 {
        lines.push(more(rest, "line"));
    }
    lines
}

/// At most so many letters.
fn cut(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((end, _)) => format!("{}… ({} bytes)", text.get(..end).unwrap_or_default(), text.len()),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::SmolStr;

    fn said(value: &Value, width: usize) -> String {
        let text = |line: &Line| {
            let text: String = line.pieces.iter().map(|(_, text)| text.as_str()).collect();
            format!("{}{text}\n", "  ".repeat(line.indent))
        };
        lines(value, width).iter().map(text).collect()
    }

    fn row(id: i64, name: &str) -> Value {
        Value::record([(SmolStr::new("id"), Value::Int(id)), (SmolStr::new("name"), Value::str(name))])
    }

    #[test]
    fn rows_are_a_table() {
        let rows = Value::list(vec![row(9, "a"), row(10, "bob")]);
        insta::assert_snapshot!(said(&rows, 80), @r"
        id  name
         9  a
        10  bob
        2 rows
        ");
        insta::assert_snapshot!(said(&rows, 6), @r"
        row 1
          id: 9
          name: a
        row 2
          id: 10
          name: bob
        2 rows
        ");
    }

    #[test]
    fn many_rows_are_folded() {
        let rows = Value::list((0..100_000).map(|n| row(n, "x")).collect());
        let said = said(&rows, 80);
        assert_eq!(said.lines().count(), ROWS + 2);
        assert!(said.ends_with("… 99950 more rows, not shown\n"), "{said}");
    }

    #[test]
    fn a_record_is_a_tree_and_units_are_kept() {
        let inner = Value::record([(SmolStr::new("a"), Value::list(vec![Value::Size(1024), Value::Null]))]);
        let value = Value::record([(SmolStr::new("b"), inner), (SmolStr::new("c"), Value::str("d"))]);
        insta::assert_snapshot!(said(&value, 80), @r#"
        b:
          a:
            - 1KiB
            - null
        c: "d"
        "#);
    }

    #[test]
    fn a_long_text_is_folded() {
        let text = "x".repeat(1 << 20);
        assert!(said(&Value::str(text), 80).len() < 2 * LINE);
        let text = "x\n".repeat(100_000);
        assert_eq!(said(&Value::str(text), 80).lines().count(), ROWS + 1);
    }
}
