use ruff_python_ast::visitor::{Visitor, walk_expr, walk_stmt};
use ruff_python_ast::{Expr, FStringPart, Stmt};
use ruff_python_parser::parse_module;

/// What the reference's interpreter (`transformers.agents` 4.44.2) does otherwise than Python, where a step's code uses it.
/// A divergence may be the recorder's; nothing of it is imitated.
const NOTES: [(Feature, &str); 4] = [
    (
        Feature::FormatSpec,
        "the reference's interpreter ignores format specifications in f-strings",
    ),
    (
        Feature::PrintEnd,
        "the reference's interpreter ignores sep and end of print",
    ),
    (
        Feature::Pow,
        "the reference's interpreter computes pow in floats",
    ),
    (
        Feature::While,
        "the reference's interpreter ends a while loop after 1,000 rounds",
    ),
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Feature {
    FormatSpec,
    PrintEnd,
    Pow,
    While,
}

/// The notes that a step's code calls for, in the order of the table.
pub fn compatibility_notes(code: &str) -> Vec<&'static str> {
    let Ok(parsed) = parse_module(code) else {
        return Vec::new();
    };
    let mut used = Used::default();
    used.visit_body(&parsed.syntax().body);
    let rows = NOTES
        .iter()
        .filter(|(feature, _)| used.features.contains(feature));
    rows.map(|(_, note)| *note).collect()
}

#[derive(Default)]
struct Used {
    features: Vec<Feature>,
}

impl Visitor<'_> for Used {
    fn visit_stmt(&mut self, statement: &Stmt) {
        if matches!(statement, Stmt::While(_)) {
            self.features.push(Feature::While);
        }
        walk_stmt(self, statement);
    }

    fn visit_expr(&mut self, expression: &Expr) {
        match expression {
            Expr::FString(text) => {
                let parts = text.value.iter();
                let specified = parts
                    .filter_map(|part| match part {
                        FStringPart::FString(part) => Some(part.elements.iter()),
                        FStringPart::Literal(_) => None,
                    })
                    .flatten()
                    .filter_map(|element| element.as_interpolation())
                    .any(|element| element.format_spec.is_some());
                if specified {
                    self.features.push(Feature::FormatSpec);
                }
            }
            Expr::Call(call) => {
                let name = call.func.as_name_expr().map_or("", |name| name.id.as_str());
                let keyword = |name: &str| call.arguments.find_keyword(name).is_some();
                if name == "print" && (keyword("sep") || keyword("end")) {
                    self.features.push(Feature::PrintEnd);
                }
                if name == "pow" {
                    self.features.push(Feature::Pow);
                }
            }
            _ => {}
        }
        walk_expr(self, expression);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notes_come_with_what_the_code_uses() {
        assert_eq!(
            compatibility_notes("print(f'{x}', 1)\nx ** 2"),
            Vec::<&str>::new()
        );
        let all = compatibility_notes("while x:\n    print(f'{x:.2f}', end='')\n    y = pow(x, 2)");
        assert_eq!(all.len(), 4);
        assert!(compatibility_notes("print(f'{x:>3}')")[0].contains("format specifications"));
        assert_eq!(compatibility_notes("x = ("), Vec::<&str>::new());
    }
}
