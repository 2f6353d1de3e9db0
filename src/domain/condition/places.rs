//! Where in the text a part of the parsed tree was written.
//!
//! The parser keeps the place of one token for each node (of a call its operator or opening bracket, of a
//! selection its dot); a problem wants to mark the whole part.

use std::ops::Range;

use cel::common::ast::{Expr, IdedExpr, SourceInfo, operators};

/// The characters a part was written with, in bytes.
pub(super) fn span(text: &str, tokens: &SourceInfo, node: &IdedExpr) -> Range<usize> {
    let (mut start, mut end) = (text.len(), 0);
    widen(text, tokens, node, &mut start, &mut end);
    let end = end.min(text.len());
    if start < end { start..end } else { 0..text.len() }
}

fn widen(text: &str, tokens: &SourceInfo, node: &IdedExpr, start: &mut usize, end: &mut usize) {
    if let Some((first, last)) = tokens.offset_for(node.id) {
        *start = (*start).min(first as usize);
        *end = (*end).max(last as usize + 1);
    }
    let rest_from = |end: usize| text.get(end..).unwrap_or_default();
    match &node.expr {
        Expr::Select(select) => {
            widen(text, tokens, &select.operand, start, end);
            let field = rest_from(*end).find(select.field.as_str());
            *end += field.map_or(0, |at| at + select.field.len());
        }
        Expr::Call(call) => {
            for part in call.target.iter().map(AsRef::as_ref).chain(&call.args) {
                widen(text, tokens, part, start, end);
            }
            // Neither the function's name nor the closing bracket is a part of its own. Operators are
            // named with underscores: `_==_`.
            let before = text.get(..*start).unwrap_or_default();
            if call.target.is_none() && before.ends_with(&call.func_name) {
                *start -= call.func_name.len();
            }
            let operator = call.func_name.contains(['_', '@']) && call.func_name != operators::INDEX;
            if !operator && rest_from(*end).starts_with([')', ']']) {
                *end += 1;
            }
        }
        Expr::List(list) => {
            for element in &list.elements {
                widen(text, tokens, element, start, end);
            }
            if rest_from(*end).starts_with(']') {
                *end += 1;
            }
        }
        _ => {}
    }
}

/// The segments of a dotted name.
pub(super) fn path(node: &IdedExpr) -> Option<Vec<&str>> {
    let (mut segments, mut node) = (Vec::new(), node);
    loop {
        match &node.expr {
            Expr::Ident(name) => {
                segments.push(name.as_str());
                segments.reverse();
                return Some(segments);
            }
            Expr::Select(select) if !select.test => {
                segments.push(select.field.as_str());
                node = &select.operand;
            }
            _ => return None,
        }
    }
}
