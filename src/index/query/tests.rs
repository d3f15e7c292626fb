//! The language, from both ends: what queries mean, and what is said about those that are wrong.

use std::fmt::Write as _;
use std::ops::Bound;

use proptest::prelude::*;

use super::*;

fn canonical(query: &str) -> String {
    match parse(query) {
        Ok(parsed) => parsed.to_string(),
        Err(error) => panic!("{}", error.render(query)),
    }
}

#[test]
fn canonical_text() {
    for (query, expected) in [
        // Words and their operators.
        ("", ""),
        (" \t\n", ""),
        ("*", ""),
        ("cat", "cat"),
        ("  red   car ", "red car"),
        ("\"red car\"", "\"red car\""),
        (r#""a \"b\" \\""#, r#""a \"b\" \\""#),
        ("compar*", "compar*"),
        ("colour~ colour~1 colour~2", "colour~ colour~ colour~2"),
        ("x=foo(\"a\")", "x=foo \"a\""),
        ("don't 12:30 https://a.org/x", "don't 12:30 https://a.org/x"),
        (
            r"tool\:ocr \-a \AND image\* a\ b",
            r"tool\:ocr \-a \AND image\* a\ b",
        ),
        ("a\\", r"a\\"),
        ("and or Not", "and or Not"),
        ("检索 été", "检索 été"),
        // Operators.
        ("a AND b", "a b"),
        ("a OR b", "a OR b"),
        ("a OR b c OR d", "a OR b AND c OR d"),
        ("(a OR b) c", "(a OR b) c"),
        ("((a) (b (c)))", "a b c"),
        ("(a b) OR (c OR d)", "a AND b OR c OR d"),
        ("-a NOT b NOT NOT c --d", "-a -b c d"),
        ("-(a b) NOT (a OR b)", "-(a b) -(a OR b)"),
        ("-(-a)", "a"),
        ("* a (b *)", "a b"),
        ("-*", "-*"),
        ("a OR *", "a OR *"),
        ("a(b)c", "a b c"),
        // Fields.
        ("tool:ocr", "tool:ocr"),
        ("TOOL:Ocr HAS:Image", "tool:Ocr has:image"),
        ("tool:\"ask image\"", "tool:\"ask image\""),
        ("tool:\"ocr\"", "tool:ocr"),
        ("tool:(ocr OR search)", "tool:ocr OR tool:search"),
        ("tool:(ocr -(a OR b))", "tool:ocr -(tool:a OR tool:b)"),
        ("tool:im* flag:no-*", "tool:im* flag:no-*"),
        ("id:demo/12~2 id:a:b", "id:demo/12~2 id:a:b"),
        (
            "thought:\"not sure\" thought:may* thought:colour~2",
            "thought:\"not sure\" thought:may* thought:colour~2",
        ),
        (
            "code:(a OR \"b c\" OR /d/)",
            "code:a OR code:\"b c\" OR code:/d/",
        ),
        (
            "flag:NO-TOOL verdict:Correct",
            "flag:no-tool verdict:correct",
        ),
        // Numbers.
        (
            "step:5 step:>5 step:>=5 step:<5 step:<=5",
            "step:5 step:>5 step:>=5 step:<5 step:<=5",
        ),
        (
            "steps:2..4 steps:2.. steps:..4 steps:3..3",
            "steps:2..4 steps:>=2 steps:<=4 steps:3",
        ),
        ("step:(1 OR >5)", "step:1 OR step:>5"),
        ("level:\"2\" bytes:>10000", "level:2 bytes:>10000"),
        // Results.
        ("in:step", "in:step"),
        ("a in:PAIR b", "in:pair a b"),
        ("in:record a", "a"),
        ("in:step a OR b", "in:step a OR b"),
    ] {
        let text = canonical(query);
        assert_eq!(text, expected, "{query}");
        assert_eq!(parse(query), parse(&text), "{query}");
        let lenient = parse_lenient(query);
        assert_eq!(lenient.notes, [], "{query}");
        assert_eq!(Ok(lenient.query), parse(query), "{query}");
    }
}

/// The only clause of a query.
fn clause(query: &str) -> Clause {
    match parse(query).unwrap().expression {
        Expression::Term(clause) => clause,
        other => panic!("{other:?}"),
    }
}

#[test]
fn clauses() {
    let regex = |pattern: &str, ignore_case| Test::Regex {
        pattern: pattern.into(),
        ignore_case,
    };
    let range = |from, to| Test::Range { from, to };
    for (query, field, test) in [
        ("a\\*", None, Test::Word("a*".into())),
        ("a-b", None, Test::Word("a-b".into())),
        ("\"a b\"", None, Test::Phrase("a b".into())),
        ("a*", None, Test::Prefix("a".into())),
        ("tool:\"a b\"", Some("tool"), Test::Word("a b".into())),
        ("tool:\"a*\"", Some("tool"), Test::Word("a*".into())),
        ("code:/a b/", Some("code"), regex("a b", false)),
        (r"code:/\/a\\/i", Some("code"), regex(r"/a\\", true)),
        ("has:error", Some("has"), Test::Flag("error")),
        ("is:Error", Some("is"), Test::Flag("error")),
        (
            "step:7",
            Some("step"),
            range(Bound::Included(7), Bound::Included(7)),
        ),
        (
            "step:>7",
            Some("step"),
            range(Bound::Excluded(7), Bound::Unbounded),
        ),
        (
            "step:..7",
            Some("step"),
            range(Bound::Unbounded, Bound::Included(7)),
        ),
    ] {
        let found = clause(query);
        assert_eq!(found.field.map(|field| field.name), field, "{query}");
        assert_eq!(found.test, test, "{query}");
        assert_eq!(found.span, 0..query.len(), "{query}");
    }
    assert_eq!(clause(" (tool:ocr)").span, 2..10);
}

#[test]
fn clauses_under_negations_are_not_positive() {
    let query = parse("a -(b -c) OR NOT d").unwrap();
    let words: Vec<_> = query
        .expression
        .positive_clauses()
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(words, ["a", "c"]);
}

#[test]
fn errors() {
    let mut all = String::new();
    for query in [
        "tol:ocr cat",
        "cat nonsense:x",
        "is:image",
        "has:eror",
        "outcome:maybe",
        "flag:x*",
        "in:stp",
        "tool: ocr",
        "step:",
        "step:five",
        "step:>",
        "step:-1",
        "step:99999999999999999999",
        "steps:4..2",
        "\"open quote",
        "\"\"",
        "(a OR b",
        "a) b",
        "()",
        "a OR",
        "OR a",
        "a AND OR b",
        "AND",
        "a NOT",
        "== cat",
        "tool:*",
        "im*ge",
        "a.b~",
        "colour~3",
        "tool:>5",
        "tool:/o.r/",
        "code:/(a/",
        "code:/a",
        "code:/a/b/",
        "code://",
        "tool:(ocr step:5)",
        "(in:step)",
        "-in:step",
        "in:step in:pair",
        "检索 图片 tol:x",
        "a\tb\u{1b} tol:x",
    ] {
        let error = parse(query).unwrap_err();
        write!(all, "{}\n\n", error.render(query)).unwrap();
    }
    insta::assert_snapshot!(all, @r##"
    tol:ocr cat
    ^^^
    unknown field `tol`; did you mean `tool`?

    cat nonsense:x
        ^^^^^^^^
    unknown field `nonsense`; put the text in quotes to search for it

    is:image
    ^^^^^^^^
    `is:` has no value `image`; did you mean `has:image`?

    has:eror
    ^^^^^^^^
    `has:` has no value `eror`; did you mean `error`?

    outcome:maybe
    ^^^^^^^^^^^^^
    `outcome:` has no value `maybe`; it has pass, fail, unknown

    flag:x*
    ^^^^^^^
    `flag:` has no value `x`; it has no-tool, unparsed, error, infra-error, unknown-tool, bad-arguments, unlisted-path, missing-file, repeated-call, ungrounded-answer, no-progress, duplicate-task

    in:stp
    ^^^^^^
    `in:` has no value `stp`; did you mean `step`?

    tool: ocr
    ^^^^^
    `tool:` needs a value right after the colon, such as `tool:(ocr OR search)`

    step:
    ^^^^^
    `step:` needs a value right after the colon, such as `step:>5`

    step:five
    ^^^^^^^^^
    `step:` takes whole numbers, such as `step:5`, `step:>5` or `step:2..4`, not `five`

    step:>
    ^^^^^^
    `step:` takes whole numbers, such as `step:5`, `step:>5` or `step:2..4`, not `>`

    step:-1
    ^^^^^^^
    `step:` takes whole numbers, such as `step:5`, `step:>5` or `step:2..4`, not `-1`

    step:99999999999999999999
    ^^^^^^^^^^^^^^^^^^^^^^^^^
    `step:` takes whole numbers, such as `step:5`, `step:>5` or `step:2..4`, not `99999999999999999999`

    steps:4..2
    ^^^^^^^^^^
    no number is in `4..2`: the smaller one comes first

    "open quote
    ^
    the quote that opens here is not closed

    ""
    ^^
    nothing between the quotes

    (a OR b
    ^
    the parenthesis that opens here is not closed

    a) b
     ^
    this parenthesis closes nothing; put it in quotes to search for it

    ()
    ^^
    nothing between the parentheses

    a OR
      ^^
    `OR` needs a clause on each side; put it in quotes to search for the word

    OR a
    ^^
    `OR` needs a clause on each side; put it in quotes to search for the word

    a AND OR b
      ^^^
    `AND` needs a clause on each side; put it in quotes to search for the word

    AND
    ^^^
    `AND` needs a clause on each side; put it in quotes to search for the word

    a NOT
      ^^^
    `NOT` needs a clause after it; put it in quotes to search for the word

    == cat
    ^^
    nothing to search for in `==`: only letters, digits and `_` are indexed (`code:/…/` finds anything)

    tool:*
    ^^^^^^
    `*` needs the beginning of a word before it

    im*ge
    ^^^^^
    `*` works only at the end of a word; put the text in quotes to search for it

    a.b~
    ^^^^
    `~` works on one word, and `a.b` is not one

    colour~3
    ^^^^^^^^
    fuzzy search takes a distance of 1 or 2, such as `colour~` or `colour~2`

    tool:>5
    ^^^^^^^
    `tool:` cannot be compared; only `step:`, `steps:`, `level:`, `bytes:`, `pictures:` can

    tool:/o.r/
    ^^^^^^^^^^
    `tool:` takes no regular expression; only `task:`, `thought:`, `code:`, `observation:`, `answer:`, `reason:`, `note:`, `edit:` do

    code:/(a/
    ^^^^^^^^^
    not a regular expression: unclosed group

    code:/a
         ^
    the regular expression that opens here has no closing `/`

    code:/a/b/
            ^
    only `i` may follow the closing `/`; write `\/` for a slash inside

    code://
    ^^^^^^^
    nothing between the slashes

    tool:(ocr step:5)
              ^^^^
    `step:` stands inside the values of another field

    (in:step)
     ^^^^^^^
    `in:` says what the results are: it stands outside parentheses and cannot be negated

    -in:step
     ^^^^^^^
    `in:` says what the results are: it stands outside parentheses and cannot be negated

    in:step in:pair
            ^^^^^^^
    `in:` may stand only once

    检索 图片 tol:x
              ^^^
    unknown field `tol`; did you mean `tool`?

    a b␛ tol:x
         ^^^
    unknown field `tol`; did you mean `tool`?
    "##);
}

#[test]
fn long_queries_are_shown_around_the_place() {
    let query = format!("{} tol:x {}", "word ".repeat(100), "more ".repeat(100));
    let error = parse(&query).unwrap_err();
    insta::assert_snapshot!(error.render(&query), @r##"
    …rd word word word word word word word word word word word  tol:x more more more more more more more more more more mor…
                                                                ^^^
    unknown field `tol`; did you mean `tool`?
    "##);
}

#[test]
fn half_typed_queries_find_something() {
    let mut all = String::new();
    for query in [
        "\"red ca",
        "cat tool:",
        "cat tol:oc",
        "cat tol:(a OR b)",
        "cat has:im",
        "cat step:>",
        "cat AND",
        "cat OR",
        "cat -",
        "cat NOT",
        "OR",
        "(cat (dog",
        "tool:(ocr OR",
        "cat)",
        "code:/op",
        "code:/op(",
        "code:/a/b",
        "code:/a\\",
        "tool:>5 tool:/x/ a*b a*b* x~7 a.b~ y~0",
        "tool:(ocr has:error)",
        "cat (in:step) -in:step in:step in:pair",
        "steps:5..2 OR cat",
        "\\",
    ] {
        let LenientQuery {
            query: found,
            notes,
        } = parse_lenient(query);
        assert_eq!(parse(&found.to_string()).as_ref(), Ok(&found), "{query}");
        let notes: Vec<_> = notes.iter().map(ToString::to_string).collect();
        writeln!(all, "{query}  =>  {found}\n    {}", notes.join("\n    ")).unwrap();
    }
    insta::assert_snapshot!(all, @r##"
    "red ca  =>  "red ca"
        the quote that opens here is not closed
    cat tool:  =>  cat
        `tool:` needs a value right after the colon, such as `tool:(ocr OR search)`
    cat tol:oc  =>  cat tol\:oc
        unknown field `tol`; did you mean `tool`?
    cat tol:(a OR b)  =>  cat tol\: (a OR b)
        unknown field `tol`; did you mean `tool`?
    cat has:im  =>  cat
        `has:` has no value `im`; did you mean `image`?
    cat step:>  =>  cat
        `step:` takes whole numbers, such as `step:5`, `step:>5` or `step:2..4`, not `>`
    cat AND  =>  cat
        `AND` needs a clause on each side; put it in quotes to search for the word
    cat OR  =>  cat
        `OR` needs a clause on each side; put it in quotes to search for the word
    cat -  =>  cat
        nothing to search for in `-`: only letters, digits and `_` are indexed (`code:/…/` finds anything)
    cat NOT  =>  cat
        `NOT` needs a clause after it; put it in quotes to search for the word
    OR  =>  
        `OR` needs a clause on each side; put it in quotes to search for the word
    (cat (dog  =>  cat dog
        the parenthesis that opens here is not closed
        the parenthesis that opens here is not closed
    tool:(ocr OR  =>  tool:ocr
        `OR` needs a clause on each side; put it in quotes to search for the word
        the parenthesis that opens here is not closed
    cat)  =>  cat
        this parenthesis closes nothing; put it in quotes to search for it
    code:/op  =>  code:/op/
        the regular expression that opens here has no closing `/`
    code:/op(  =>  
        the regular expression that opens here has no closing `/`
        not a regular expression: unclosed group
    code:/a/b  =>  code:/a/ b
        only `i` may follow the closing `/`; write `\/` for a slash inside
    code:/a\  =>  
        the regular expression that opens here has no closing `/`
        not a regular expression: incomplete escape sequence, reached end of pattern prematurely
    tool:>5 tool:/x/ a*b a*b* x~7 a.b~ y~0  =>  tool:\>5 tool:\/x/ a\*b a\*b* x~2 a.b y
        `tool:` cannot be compared; only `step:`, `steps:`, `level:`, `bytes:`, `pictures:` can
        `tool:` takes no regular expression; only `task:`, `thought:`, `code:`, `observation:`, `answer:`, `reason:`, `note:`, `edit:` do
        `*` works only at the end of a word; put the text in quotes to search for it
        `*` works only at the end of a word; put the text in quotes to search for it
        fuzzy search takes a distance of 1 or 2, such as `x~` or `x~2`
        `~` works on one word, and `a.b` is not one
        fuzzy search takes a distance of 1 or 2, such as `y~` or `y~2`
    tool:(ocr has:error)  =>  tool:ocr has:error
        `has:` stands inside the values of another field
    cat (in:step) -in:step in:step in:pair  =>  in:pair cat
        `in:` says what the results are: it stands outside parentheses and cannot be negated
        `in:` says what the results are: it stands outside parentheses and cannot be negated
        `in:` may stand only once
    steps:5..2 OR cat  =>  cat
        no number is in `5..2`: the smaller one comes first
    \  =>  
        nothing to search for in `\`: only letters, digits and `_` are indexed (`code:/…/` finds anything)
    "##);
}

#[test]
fn limits_are_errors_or_are_kept_to() {
    let long = "a ".repeat(MAX_CHARACTERS);
    assert!(matches!(
        parse(&long).unwrap_err().kind,
        QueryErrorKind::TooLong { .. }
    ));
    assert_eq!(parse_lenient(&long).notes.len(), 1);

    let nested = |depth: usize| format!("{}a{} b", "(".repeat(depth), ")".repeat(depth));
    assert_eq!(canonical(&nested(MAX_DEPTH)), "a b");
    let deep = nested(MAX_DEPTH + 2);
    assert!(matches!(
        parse(&deep).unwrap_err().kind,
        QueryErrorKind::TooDeep { .. }
    ));
    assert_eq!(parse_lenient(&deep).query.to_string(), "a b");
    let deepest = "-(a OR ".repeat(MAX_CHARACTERS / 7);
    let found = parse_lenient(&deepest).query;
    assert_eq!(parse(&found.to_string()), Ok(found));

    let regexes = "code:/a/ ".repeat(MAX_REGEXES + 1);
    assert!(matches!(
        parse(&regexes).unwrap_err().kind,
        QueryErrorKind::TooManyRegexes { .. }
    ));
    assert_eq!(parse_lenient(&regexes).notes.len(), 1);
}

#[test]
fn hand_built_ranges_are_written_as_two_clauses() {
    let clause = Clause {
        field: field_named("step"),
        test: Test::Range {
            from: Bound::Excluded(1),
            to: Bound::Excluded(5),
        },
        span: 0..0,
    };
    assert_eq!(canonical(&clause.to_string()), "step:>1 step:<5");
}

/// Pieces of the language in any order, and anything at all.
fn any_query() -> impl Strategy<Value = String> {
    let pieces = proptest::sample::select(vec![
        "a",
        "b_c",
        "\"a b\"",
        "\"",
        "(",
        ")",
        " ",
        " ",
        " OR ",
        " AND ",
        "NOT ",
        "-",
        "*",
        "~",
        "~2",
        "\\",
        "/",
        "/i",
        ":",
        "tool:",
        "tool:(",
        "code:/",
        "code:",
        "has:error",
        "has:",
        "step:>5",
        "step:",
        "2..4",
        "in:step ",
        "in:",
        "is:stale",
        "tol:",
        "OR",
        "i",
        "\u{301}",
        "检",
        "<",
        "flag:no-",
        "\n",
        "http://x",
        "AND",
        "{",
    ]);
    prop_oneof![
        proptest::collection::vec(pieces, 0..16).prop_map(|pieces| pieces.concat()),
        "\\PC{0,40}",
        proptest::collection::vec(any::<char>(), 0..20)
            .prop_map(|characters| characters.into_iter().collect()),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn canonical_text_is_a_fixed_point(query in any_query()) {
        match parse(&query) {
            Ok(parsed) => {
                let text = parsed.to_string();
                prop_assert_eq!(parse(&text), Ok(parsed.clone()), "{}", text);
                prop_assert_eq!(parse(&text).map(|again| again.to_string()), Ok(text));
                let lenient = parse_lenient(&query);
                prop_assert_eq!(lenient.query, parsed);
                prop_assert!(lenient.notes.is_empty());
            }
            Err(error) => {
                prop_assert!(query.get(error.span.clone()).is_some());
                prop_assert!(error.render(&query).lines().count() >= 3);
                prop_assert!(!parse_lenient(&query).notes.is_empty());
            }
        }
    }

    #[test]
    fn anything_is_a_lenient_query(query in any_query()) {
        let LenientQuery { query: found, notes } = parse_lenient(&query);
        let text = found.to_string();
        prop_assert_eq!(parse(&text), Ok(found), "{}", text);
        for note in notes {
            prop_assert!(query.get(note.span.clone()).is_some());
        }
    }
}
