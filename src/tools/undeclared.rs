use std::collections::BTreeSet;

use ruff_python_ast::visitor::{Visitor, walk_expr, walk_parameter, walk_stmt};
use ruff_python_ast::{Alias, ExceptHandler, Expr, ExprContext, Parameter, Stmt};
use ruff_python_parser::parse_module;

use crate::sandbox::is_builtin;

/// The names that a run calls and that no step of it binds, in order: the tools of a run whose data lists none. Code that
/// does not parse calls nothing.
pub fn undeclared_tools<'a>(codes: impl Iterator<Item = &'a str>) -> Vec<String> {
    let mut names = Names::default();
    for code in codes {
        if let Ok(parsed) = parse_module(code) {
            names.visit_body(&parsed.syntax().body);
        }
    }
    let Names { called, bound } = names;
    // Names with an underscore in front are the interpreter's own.
    let is_tool =
        |name: &String| !name.starts_with('_') && !bound.contains(name) && !is_builtin(name);
    called.into_iter().filter(is_tool).collect()
}

#[derive(Default)]
struct Names {
    called: BTreeSet<String>,
    bound: BTreeSet<String>,
}

impl Visitor<'_> for Names {
    fn visit_stmt(&mut self, statement: &Stmt) {
        match statement {
            Stmt::FunctionDef(function) => {
                self.bound.insert(function.name.to_string());
            }
            Stmt::ClassDef(class) => {
                self.bound.insert(class.name.to_string());
            }
            _ => {}
        }
        walk_stmt(self, statement);
    }

    fn visit_expr(&mut self, expression: &Expr) {
        match expression {
            Expr::Call(call) => {
                if let Expr::Name(function) = &*call.func {
                    self.called.insert(function.id.to_string());
                }
            }
            Expr::Name(name) if name.ctx == ExprContext::Store => {
                self.bound.insert(name.id.to_string());
            }
            _ => {}
        }
        walk_expr(self, expression);
    }

    fn visit_parameter(&mut self, parameter: &Parameter) {
        self.bound.insert(parameter.name.to_string());
        walk_parameter(self, parameter);
    }

    fn visit_alias(&mut self, alias: &Alias) {
        let name = alias.asname.as_ref().unwrap_or(&alias.name);
        let root = name.split('.').next().unwrap_or(name);
        self.bound.insert(root.to_owned());
    }

    fn visit_except_handler(&mut self, handler: &ExceptHandler) {
        let ExceptHandler::ExceptHandler(caught) = handler;
        self.bound
            .extend(caught.name.as_ref().map(ToString::to_string));
        ruff_python_ast::visitor::walk_except_handler(self, handler);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_called_and_bound_nowhere_is_a_tool() {
        let codes = [
            "from math import sqrt as root\nimport os.path\nx = search(f'{ocr(1)}')\nprint(root(len(x)), os.getcwd())",
            "def f(g, *rest, h=detect):\n    return g(1) + rest(1)\nf(max)\n[call(1) for call in [f]]\ny = (lambda z: z(1))(f)",
            "__import__('os')\ntry:\n    later(1)\nexcept ValueError as later:\n    pass\nclass Thing: pass\nThing()\nx.read()",
            "x = (",
        ];
        assert_eq!(undeclared_tools(codes.into_iter()), ["ocr", "search"]);
        assert_eq!(undeclared_tools([].into_iter()), Vec::<String>::new());
    }
}
