use std::ops::Range;

use ruff_python_ast::visitor::source_order::{SourceOrderVisitor, TraversalSignal, walk_body};
use ruff_python_ast::{self as ast, AnyNodeRef, Expr, ExprContext, Mod, Operator};
use ruff_python_parser::Mode;
use ruff_text_size::{Ranged, TextRange};
use serde_json::Value;

use super::nesting::is_shallow;
use super::path_text::looks_like_path;
use super::python_literal::{literal, parse};

/// What one step's Python says, without running it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct StepCalls {
    /// Its calls in source order, an outer call before the calls in its arguments.
    ///
    /// What is called through something that has no name (`f()()`, `table[0]()`) is not listed.
    pub calls: Vec<PythonCall>,
    /// Names that it assigns, imports, defines or takes as parameters.
    pub bindings: Vec<Binding>,
    /// Whether it holds `from … import *`, so that any name may be bound.
    pub imports_all: bool,
    /// Whether it has arithmetic (`+`, `-`, `*=` and so on), except the joining of text literals.
    pub computes: bool,
    /// String literals that look like paths of files.
    pub paths: Vec<PathLiteral>,
    /// The first syntax error; what could be read in spite of it is in the other fields.
    pub error: Option<SyntaxError>,
}

/// One call in Python code.
#[derive(Debug, Clone, PartialEq)]
pub struct PythonCall {
    /// `visualizer`, `plt.plot`; a method of a value without a name begins with a dot (`.join`).
    pub name: String,
    /// Positional arguments.
    pub arguments: Vec<Argument>,
    /// Keyword arguments.
    pub keywords: Vec<(String, Argument)>,
    /// Whether it also passes `*sequence` or `**mapping`, so that its arguments are not all known.
    pub has_star: bool,
    /// Bytes of the code that the call covers.
    pub range: Range<usize>,
}

/// An argument of a call.
#[derive(Debug, Clone, PartialEq)]
pub struct Argument {
    /// Its value or its source.
    pub value: ArgumentValue,
    /// Bytes of the code that it covers.
    pub range: Range<usize>,
}

/// What is known of an argument without running the code.
#[derive(Debug, Clone, PartialEq)]
pub enum ArgumentValue {
    /// A literal: text, number, truth value, `None`, or a list, tuple or dictionary of such.
    Literal(Value),
    /// The source text of anything else.
    Expression(String),
}

/// A name that code binds.
#[derive(Debug, Clone, PartialEq)]
pub struct Binding {
    /// The name.
    pub name: String,
    /// The value, where it is `name = literal`.
    pub value: Option<Value>,
}

/// A string literal that looks like a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PathLiteral {
    /// The path.
    pub text: String,
    /// Bytes of the code that the literal covers, quotes included.
    pub range: Range<usize>,
}

/// Why code does not parse.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SyntaxError {
    /// What is wrong.
    pub message: String,
    /// The line, from 1.
    pub line: usize,
    /// Bytes of the code at which it was seen; may be empty.
    pub range: Range<usize>,
}

impl PythonCall {
    /// All arguments with the names of those that have one.
    pub fn all_arguments(&self) -> impl Iterator<Item = (Option<&str>, &Argument)> {
        let named = self
            .keywords
            .iter()
            .map(|(name, a)| (Some(name.as_str()), a));
        self.arguments.iter().map(|a| (None, a)).chain(named)
    }

    /// Whether it calls a plain name, as a tool is called, and not a method or a module's function.
    pub fn is_plain(&self) -> bool {
        !self.name.contains('.')
    }
}

/// Reads the Python of a step.
///
/// Code that is nested too deeply to be parsed safely yields only an error.
pub fn step_calls(code: &str) -> StepCalls {
    if !is_shallow(code) {
        return StepCalls {
            error: Some(SyntaxError {
                message: "too long or too deeply nested to be parsed".to_owned(),
                line: 1,
                range: 0..0,
            }),
            ..StepCalls::default()
        };
    }
    let parsed = parse(code, Mode::Module);
    let mut reader = Reader {
        code,
        found: StepCalls::default(),
        assigned: None,
    };
    if let Mod::Module(module) = parsed.syntax() {
        walk_body(&mut reader, &module.body);
    }
    reader.found.error = parsed.errors().first().map(|error| {
        let range = bytes(error.location, code);
        SyntaxError {
            message: error.error.to_string(),
            line: 1 + code
                .bytes()
                .take(range.start)
                .filter(|b| *b == b'\n')
                .count(),
            range,
        }
    });
    reader.found
}

/// A parser's range as bytes, never outside the code.
fn bytes(range: TextRange, code: &str) -> Range<usize> {
    let end = range.end().to_usize().min(code.len());
    range.start().to_usize().min(end)..end
}

struct Reader<'a> {
    code: &'a str,
    found: StepCalls,
    /// The target of the assignment being visited, and the literal it gets.
    assigned: Option<(TextRange, Value)>,
}

impl<'a> SourceOrderVisitor<'a> for Reader<'a> {
    fn enter_node(&mut self, node: AnyNodeRef<'a>) -> TraversalSignal {
        match node {
            AnyNodeRef::ExprCall(call) => self.call(call),
            AnyNodeRef::ExprName(name) if name.ctx == ExprContext::Store => {
                self.target(name);
            }
            AnyNodeRef::StmtAssign(assignment) => self.assignment(assignment),
            AnyNodeRef::StmtFunctionDef(function) => self.bind(function.name.as_str()),
            AnyNodeRef::StmtClassDef(class) => self.bind(class.name.as_str()),
            AnyNodeRef::Parameter(parameter) => self.bind(parameter.name.as_str()),
            AnyNodeRef::Alias(alias) => self.import(alias),
            AnyNodeRef::ExceptHandlerExceptHandler(handler) => {
                handler
                    .name
                    .iter()
                    .for_each(|name| self.bind(name.as_str()));
            }
            AnyNodeRef::PatternMatchAs(pattern) => {
                pattern
                    .name
                    .iter()
                    .for_each(|name| self.bind(name.as_str()));
            }
            AnyNodeRef::PatternMatchStar(pattern) => {
                pattern
                    .name
                    .iter()
                    .for_each(|name| self.bind(name.as_str()));
            }
            AnyNodeRef::ExprBinOp(operation) => {
                let joins_text = matches!(operation.op, Operator::Add | Operator::Mod)
                    && (is_text(&operation.left) || is_text(&operation.right));
                self.found.computes |= !joins_text;
            }
            AnyNodeRef::StmtAugAssign(operation) => {
                self.found.computes |= !is_text(&operation.value);
            }
            AnyNodeRef::ExprStringLiteral(text) => {
                let path = text.value.to_str();
                if looks_like_path(path) {
                    let range = self.bytes(text.range());
                    self.found.paths.push(PathLiteral {
                        text: path.to_owned(),
                        range,
                    });
                }
            }
            _ => {}
        }
        TraversalSignal::Traverse
    }
}

impl Reader<'_> {
    fn bytes(&self, range: TextRange) -> Range<usize> {
        bytes(range, self.code)
    }

    fn bind(&mut self, name: &str) {
        self.found.bindings.push(Binding {
            name: name.to_owned(),
            value: None,
        });
    }

    /// Notes the value of `name = literal`, until the name itself is visited.
    fn assignment(&mut self, assignment: &ast::StmtAssign) {
        if let [Expr::Name(name)] = assignment.targets.as_slice() {
            self.assigned = literal(&assignment.value).map(|value| (name.range, value));
        }
    }

    fn target(&mut self, name: &ast::ExprName) {
        let value = self
            .assigned
            .take_if(|(range, _)| *range == name.range)
            .map(|(_, v)| v);
        self.found.bindings.push(Binding {
            name: name.id.to_string(),
            value,
        });
    }

    fn import(&mut self, alias: &ast::Alias) {
        if &alias.name == "*" {
            self.found.imports_all = true;
            return;
        }
        match &alias.asname {
            Some(name) => self.bind(name.as_str()),
            None => {
                let first = alias.name.as_str().split('.').next().unwrap_or_default();
                self.bind(first);
            }
        }
    }

    fn call(&mut self, call: &ast::ExprCall) {
        let Some(name) = dotted_name(&call.func) else {
            return;
        };
        let mut has_star = false;
        let mut arguments = Vec::with_capacity(call.arguments.args.len());
        for argument in &call.arguments.args {
            if argument.is_starred_expr() {
                has_star = true;
            } else {
                arguments.push(self.argument(argument));
            }
        }
        let mut keywords = Vec::with_capacity(call.arguments.keywords.len());
        for keyword in &call.arguments.keywords {
            match &keyword.arg {
                Some(name) => keywords.push((name.to_string(), self.argument(&keyword.value))),
                None => has_star = true,
            }
        }
        let range = self.bytes(call.range());
        self.found.calls.push(PythonCall {
            name,
            arguments,
            keywords,
            has_star,
            range,
        });
    }

    fn argument(&self, expression: &Expr) -> Argument {
        let range = self.bytes(expression.range());
        let value = match literal(expression) {
            Some(value) => ArgumentValue::Literal(value),
            None => {
                let source = self.code.get(range.clone()).unwrap_or_default();
                ArgumentValue::Expression(source.to_owned())
            }
        };
        Argument { value, range }
    }
}

/// `plt.plot` for an attribute of a name, `.join` for an attribute of anything else.
fn dotted_name(callee: &Expr) -> Option<String> {
    let mut parts = Vec::new();
    let mut at = callee;
    loop {
        match at {
            Expr::Attribute(attribute) => {
                parts.push(attribute.attr.as_str());
                at = &attribute.value;
            }
            Expr::Name(name) => {
                parts.push(name.id.as_str());
                break;
            }
            _ if parts.is_empty() => return None,
            _ => {
                parts.push("");
                break;
            }
        }
    }
    parts.reverse();
    let name = parts.join(".");
    (!name.is_empty()).then_some(name)
}

fn is_text(expression: &Expr) -> bool {
    matches!(expression, Expr::StringLiteral(_) | Expr::FString(_))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn literal_of(argument: &Argument) -> &Value {
        match &argument.value {
            ArgumentValue::Literal(value) => value,
            ArgumentValue::Expression(text) => panic!("{text} is no literal"),
        }
    }

    #[test]
    fn calls_come_in_source_order_with_their_arguments() {
        let code = "import matplotlib.pyplot as plt\n\
                    text = visualizer('What is it?', image_path=\"a.jpg\")\n\
                    print(f\"{ask_search_agent(query=text)}\", -2.5, [1, (None, True)], {'a': 1})\n\
                    plt.plot(*xs)\n', '.join(names)\n";
        let found = step_calls(code);
        assert_eq!(found.error, None);
        let names: Vec<&str> = found.calls.iter().map(|c| c.name.as_str()).collect();
        assert_eq!(
            names,
            [
                "visualizer",
                "print",
                "ask_search_agent",
                "plt.plot",
                ".join"
            ]
        );
        let visualizer = &found.calls[0];
        assert_eq!(literal_of(&visualizer.arguments[0]), &json!("What is it?"));
        assert_eq!(visualizer.keywords[0].0, "image_path");
        assert_eq!(
            &code[visualizer.range.clone()],
            "visualizer('What is it?', image_path=\"a.jpg\")"
        );
        assert_eq!(&code[visualizer.keywords[0].1.range.clone()], "\"a.jpg\"");
        let print = &found.calls[1];
        assert!(
            matches!(&print.arguments[0].value, ArgumentValue::Expression(s) if s.starts_with("f\"{ask"))
        );
        assert_eq!(literal_of(&print.arguments[1]), &json!(-2.5));
        assert_eq!(literal_of(&print.arguments[2]), &json!([1, [null, true]]));
        assert_eq!(literal_of(&print.arguments[3]), &json!({"a": 1}));
        assert!(found.calls[3].has_star && !print.has_star);
        assert_eq!(found.paths.len(), 1);
        assert_eq!(found.paths[0].text, "a.jpg");
        assert!(!found.computes);
    }

    #[test]
    fn every_way_to_bind_a_name_is_seen() {
        let code = "import os.path, json as j\nfrom a import b as c\nx = 'lit'\ny, (z, *w) = 1, 2\n\
                    def f(p, *q, r=1, **s): pass\nclass K: pass\nfor i in x: pass\n\
                    with open(x) as o: pass\ntry: pass\nexcept E as e: pass\n[v for v in x]\n\
                    if (n := 1): pass\nlambda l: l\nmatch x:\n  case [m, *t] as u: pass\n";
        let found = step_calls(code);
        assert_eq!(found.error, None);
        let mut names: Vec<&str> = found.bindings.iter().map(|b| b.name.as_str()).collect();
        names.sort_unstable();
        let all = "K c e f i j l m n o os p q r s t u v w x y z";
        assert_eq!(names, all.split(' ').collect::<Vec<_>>());
        let x = found.bindings.iter().find(|b| b.name == "x").expect("x");
        assert_eq!(x.value, Some(json!("lit")));
        assert!(!found.imports_all);
        assert!(step_calls("from math import *").imports_all);
    }

    #[test]
    fn arithmetic_is_told_from_joining_text() {
        assert!(step_calls("x = a * 2").computes);
        assert!(step_calls("x += a").computes);
        assert!(!step_calls("x = 'a' + b + 'c'").computes);
        assert!(!step_calls("x += f'{a}'").computes);
        assert!(!step_calls("x = '%d' % a").computes);
    }

    #[test]
    fn a_syntax_error_says_where_and_keeps_the_calls_around_it() {
        let code = "a = visualizer('q', 'a.jpg')\nb = 'open\nfinal_answer(a)\n";
        let found = step_calls(code);
        let error = found.error.expect("error");
        assert_eq!(error.line, 2);
        assert!(code[..error.range.start].ends_with("b = ") || error.range.start > 32);
        let names: Vec<&str> = found.calls.iter().map(|c| c.name.as_str()).collect();
        assert_eq!(names, ["visualizer", "final_answer"]);
    }

    #[test]
    fn bombs_are_refused_or_survived_on_a_small_stack() {
        let bombs = [
            "(".repeat(10_000),
            "[".repeat(200),
            format!("{}1{}", "(".repeat(10_000), ")".repeat(10_000)),
            format!("x = {}1", "1+".repeat(100_000)),
            format!("x = {}1", "1 if 1 else ".repeat(100_000)),
            format!("x = {}1", "not ".repeat(100_000)),
            format!("x = {}1", "-".repeat(100_000)),
            format!("x = {}1", "lambda: ".repeat(100_000)),
            format!("x = {}1", "await ".repeat(100_000)),
            format!("x = {}1", "a and b or ".repeat(100_000)),
            format!("x = {}1", "a < ".repeat(100_000)),
            format!("x = {}1", "a is not ".repeat(100_000)),
            format!("x = {}1", "2**".repeat(400)),
            format!("x = {}1", "1+".repeat(400)),
            format!("x = a{}", ".b".repeat(400)),
            format!("x{} = 1", "[0]".repeat(400)),
            format!("x = {}", "f'{".repeat(100)),
            (0..1_000)
                .map(|n| format!("{}if x:\n", " ".repeat(n)))
                .collect(),
            format!("if x: pass\n{}", "elif x: pass\n".repeat(20_000)),
            "a = ".repeat(50_000),
            "@a\n".repeat(50_000),
            "'a' ".repeat(50_000),
        ];
        // Half of what a thread gets by default.
        let run = move || bombs.iter().for_each(|code| drop(step_calls(code)));
        let thread = std::thread::Builder::new()
            .stack_size(1 << 20)
            .spawn(run)
            .expect("spawn");
        thread.join().expect("no panic");
        assert!(step_calls(&"(".repeat(10_000)).error.is_some());
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_survived(code in "\\PC*") {
            check_ranges(&code);
        }

        #[test]
        fn any_mix_of_python_is_survived(
            parts in proptest::collection::vec(proptest::sample::select(vec![
                "f(", ")", "[", "]", "{", "}", "'", "\"\"\"", "f'", "\n", "    ", "x", "=", " ", "1", ".", ",", ":",
                "*", "**", "lambda ", "if ", "else ", "for ", "in ", "def ", "class ", "match ", "case ", "é", "\\",
                "import ", "from ", "as ", "#", "!", "\0", "\r", "a.jpg", "{{", "return ", "async ", "await ", "@", ";", "->",
            ]), 0..60),
        ) {
            check_ranges(&parts.concat());
        }
    }

    fn check_ranges(code: &str) {
        let found = step_calls(code);
        for call in &found.calls {
            assert!(code.get(call.range.clone()).is_some());
            for (_, argument) in call.all_arguments() {
                assert!(code.get(argument.range.clone()).is_some());
            }
        }
        for path in &found.paths {
            assert!(code.get(path.range.clone()).is_some());
        }
        if let Some(error) = &found.error {
            assert!(code.get(error.range.clone()).is_some());
        }
    }
}
