use ruff_python_ast::statement_visitor::{StatementVisitor, walk_stmt};
use ruff_python_ast::visitor::{Visitor, walk_expr, walk_stmt as walk_whole_stmt};
use ruff_python_ast::{Alias, Expr, ExprContext, Operator, Stmt};
use ruff_python_parser::parse_module;
use ruff_text_size::{Ranged, TextRange, TextSize};

use super::stub::{IMPORT, is_stubbed};

/// The function of the prelude that fills in texts.
const PERCENT: &str = "__retake_percent__";

/// The function of the prelude that reads dates.
const STRPTIME: &str = "__retake_strptime__";

/// What a step's code becomes before the interpreter gets it.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Rewritten {
    /// The code; statements stay on their lines.
    pub code: String,
    /// Names that it binds outside of functions and classes, in order and once each.
    pub bound: Vec<String>,
}

/// Turns imports of stubbed modules into calls, and `x.strptime(…)` and `text % values` into the prelude's functions. Code that does not parse
/// stays as it is: the interpreter says what is wrong with it.
pub(super) fn rewrite(code: &str) -> Rewritten {
    let Ok(parsed) = parse_module(code) else {
        return Rewritten {
            code: code.to_owned(),
            bound: Vec::new(),
        };
    };
    let body = &parsed.syntax().body;
    let mut names = BoundNames::default();
    names.visit_body(body);
    let mut edits = Vec::new();
    if code.contains("import") {
        let mut imports = Imports { code, edits };
        imports.visit_body(body);
        edits = imports.edits;
    }
    // What lies around others at the same place comes first.
    if code.contains('%') {
        let mut percents = Percents { code, edits };
        percents.visit_body(body);
        edits = percents.edits;
    }
    if code.contains("strptime") {
        let mut calls = DateCalls { edits };
        calls.visit_body(body);
        edits = calls.edits;
    }
    edits.sort_by_key(|(range, _)| range.start());
    let mut rewritten = String::with_capacity(code.len() + 64);
    let mut from = 0;
    for (range, text) in edits {
        let (start, end) = (usize::from(range.start()), usize::from(range.end()));
        rewritten.push_str(code.get(from..start).unwrap_or_default());
        rewritten.push_str(&text);
        from = end;
    }
    rewritten.push_str(code.get(from..).unwrap_or_default());
    Rewritten {
        code: rewritten,
        bound: names.names,
    }
}

struct Imports<'a> {
    code: &'a str,
    edits: Vec<(TextRange, String)>,
}

impl Imports<'_> {
    /// Replaces a statement by others on its first line; line feeds keep the count.
    fn replace(&mut self, range: TextRange, statements: &[String]) {
        let old = self
            .code
            .get(usize::from(range.start())..usize::from(range.end()))
            .unwrap_or_default();
        let line_feeds = "\n".repeat(old.matches('\n').count());
        let text = format!("{}{line_feeds}", statements.join("; "));
        self.edits.push((range, text));
    }
}

impl StatementVisitor<'_> for Imports<'_> {
    fn visit_stmt(&mut self, statement: &Stmt) {
        match statement {
            Stmt::Import(import) if import.names.iter().any(|alias| is_stubbed(&alias.name)) => {
                let statements: Vec<String> = import.names.iter().map(plain_import).collect();
                self.replace(import.range, &statements);
            }
            Stmt::ImportFrom(import)
                if import.level == 0
                    && import
                        .module
                        .as_ref()
                        .is_some_and(|module| is_stubbed(module))
                    && import.names.iter().all(|alias| alias.name.as_str() != "*") =>
            {
                let module = import.module.as_ref().map_or("", |module| module.as_str());
                let one = |alias: &Alias| {
                    let target = alias.asname.as_ref().unwrap_or(&alias.name);
                    format!("{target} = {IMPORT}(\"{module}\", \"{}\")", alias.name)
                };
                let statements: Vec<String> = import.names.iter().map(one).collect();
                self.replace(import.range, &statements);
            }
            _ => walk_stmt(self, statement),
        }
    }
}

/// `import a.b` binds `a`, `import a.b as c` binds `c` to `a.b`.
fn plain_import(alias: &Alias) -> String {
    let name = alias.name.as_str();
    let root = name.split('.').next().unwrap_or(name);
    match &alias.asname {
        Some(target) if is_stubbed(name) => format!("{target} = {IMPORT}(\"{name}\")"),
        None if is_stubbed(name) => format!("{root} = {IMPORT}(\"{root}\")"),
        Some(target) => format!("import {name} as {target}"),
        None => format!("import {name}"),
    }
}

struct DateCalls {
    edits: Vec<(TextRange, String)>,
}

impl Visitor<'_> for DateCalls {
    fn visit_expr(&mut self, expression: &Expr) {
        if let Expr::Call(call) = expression
            && let Expr::Attribute(attribute) = &*call.func
            && attribute.attr.as_str() == "strptime"
        {
            // `X.strptime(` becomes `__retake_strptime__(X, `.
            let value = attribute.value.range();
            let start = TextRange::empty(value.start());
            self.edits.push((start, format!("{STRPTIME}(")));
            let open = call.arguments.range().start() + TextSize::from(1);
            let between = TextRange::new(value.end(), open);
            self.edits.push((between, ", ".to_owned()));
        }
        walk_expr(self, expression);
    }
}

/// Finds `a % b` where `a` may be a text.
struct Percents<'a> {
    code: &'a str,
    edits: Vec<(TextRange, String)>,
}

impl Percents<'_> {
    /// Where the operator between two operands is. Brackets and white space are around it; with a comment it is not looked for.
    fn operator(&self, left: TextRange, right: TextRange) -> Option<TextRange> {
        let (start, end) = (usize::from(left.end()), usize::from(right.start()));
        let between = self
            .code
            .get(start..end)
            .filter(|text| !text.contains('#'))?;
        let at = TextSize::try_from(start + between.find('%')?).ok()?;
        Some(TextRange::at(at, TextSize::from(1)))
    }
}

impl Visitor<'_> for Percents<'_> {
    fn visit_expr(&mut self, expression: &Expr) {
        if let Expr::BinOp(operation) = expression
            && operation.op == Operator::Mod
            && may_be_text(&operation.left, &operation.right)
            && let Some(sign) = self.operator(operation.left.range(), operation.right.range())
        {
            // `x % y` becomes `__retake_percent__(x , y)`.
            let (start, end) = (operation.range.start(), operation.range.end());
            self.edits
                .push((TextRange::empty(start), format!("{PERCENT}(")));
            self.edits.push((sign, ",".to_owned()));
            walk_expr(self, expression);
            self.edits.push((TextRange::empty(end), ")".to_owned()));
            return;
        }
        walk_expr(self, expression);
    }
}

/// Whether `left % right` may fill in a text: a number on the left never does, and with a number on the right only a text that
/// is written there is taken for one, so that counting stays quick.
fn may_be_text(left: &Expr, right: &Expr) -> bool {
    match left {
        Expr::StringLiteral(_) | Expr::FString(_) => true,
        Expr::NumberLiteral(_) => false,
        _ => !matches!(right, Expr::NumberLiteral(_)),
    }
}

#[derive(Default)]
struct BoundNames {
    names: Vec<String>,
}

impl BoundNames {
    fn bind(&mut self, name: &str) {
        if self.names.iter().all(|known| known != name) {
            self.names.push(name.to_owned());
        }
    }
}

impl Visitor<'_> for BoundNames {
    fn visit_stmt(&mut self, statement: &Stmt) {
        match statement {
            Stmt::FunctionDef(function) => self.bind(&function.name),
            Stmt::ClassDef(class) => self.bind(&class.name),
            Stmt::Import(import) => {
                for alias in &import.names {
                    let root = alias.name.split('.').next().unwrap_or_default();
                    self.bind(alias.asname.as_ref().map_or(root, |name| name.as_str()));
                }
            }
            Stmt::ImportFrom(import) => {
                for alias in &import.names {
                    self.bind(alias.asname.as_ref().unwrap_or(&alias.name));
                }
            }
            _ => walk_whole_stmt(self, statement),
        }
    }

    fn visit_expr(&mut self, expression: &Expr) {
        match expression {
            Expr::Name(name) if name.ctx == ExprContext::Store => self.bind(&name.id),
            // Their variables are their own.
            Expr::Lambda(_)
            | Expr::ListComp(_)
            | Expr::SetComp(_)
            | Expr::DictComp(_)
            | Expr::Generator(_) => {}
            _ => walk_expr(self, expression),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(text: &str) -> String {
        rewrite(text).code
    }

    #[test]
    fn imports_of_stubbed_modules_become_calls_on_the_same_line() {
        assert_eq!(
            code("import matplotlib.pyplot as plt, math\nx = 1"),
            "plt = __retake_import__(\"matplotlib.pyplot\"); import math\nx = 1"
        );
        assert_eq!(code("import os.path"), "os = __retake_import__(\"os\")");
        assert_eq!(
            code(
                "if x:\n    from PIL import (\n        Image,\n        ImageDraw as D,\n    )\n    y()"
            ),
            "if x:\n    Image = __retake_import__(\"PIL\", \"Image\"); D = __retake_import__(\"PIL\", \"ImageDraw\")\n\n\n\n    y()"
        );
        for untouched in [
            "import math",
            "from datetime import datetime",
            "x = 'import os'",
            "import os as",
            "from os import *",
        ] {
            assert_eq!(code(untouched), untouched);
        }
    }

    #[test]
    fn dates_are_read_by_the_prelude() {
        assert_eq!(
            code("a = datetime.datetime.strptime(f(x), '%H') + b"),
            "a = __retake_strptime__(datetime.datetime, f(x), '%H') + b"
        );
        assert_eq!(code("a.strftime('%H')"), "a.strftime('%H')");
    }

    #[test]
    fn texts_are_filled_in_by_the_prelude() {
        for (before, after) in [
            ("x = '%d' % 1", "x = __retake_percent__('%d' , 1)"),
            ("('a' 'b') % (x)", "__retake_percent__(('a' 'b') , (x))"),
            (
                "a % b % c",
                "__retake_percent__(__retake_percent__(a , b) , c)",
            ),
            (
                "a % (b % c)",
                "__retake_percent__(a , (__retake_percent__(b , c)))",
            ),
            ("f\"{'%s' % x}\"", "f\"{__retake_percent__('%s' , x)}\""),
            (
                "x.strptime(y, '%H') % z",
                "__retake_percent__(__retake_strptime__(x, y, '%H') , z)",
            ),
        ] {
            assert_eq!(code(before), after);
        }
        for untouched in ["i % 2 == 0", "7 % x", "x %= y", "(a % # of\n b)", "'50%'"] {
            assert_eq!(code(untouched), untouched);
        }
    }

    #[test]
    fn names_bound_at_the_top_are_known() {
        let found = rewrite(
            "import os.path, json as j\nx, (y, *z) = f()\nfor i in x:\n    w = [c for c in x]\n\
             def g(a):\n    b = 1\nclass K:\n    c = 1\nif (n := 1): x = 2\nwith f() as h: pass",
        );
        assert_eq!(
            found.bound,
            ["os", "j", "x", "y", "z", "i", "w", "g", "K", "n", "h"]
        );
    }
}
