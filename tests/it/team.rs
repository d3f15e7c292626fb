//! Several people who review copies of one workspace: merging, blindness, queues, agreement, adjudication.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use retake::domain::agreement::{Figures, ReviewRatings, ReviewedKind};
use retake::domain::{ContentHash, TargetId};
use retake::jobs::Progress;
use retake::journal::JournalFolder;
use serde_json::{Value, json};

use crate::user::{Ended, User, array, record};

/// Somebody with an own copy of the workspace.
struct Person {
    name: &'static str,
    user: User,
}

impl Person {
    /// A copy of the demo's data; `test` keeps tests apart.
    fn new(test: &str, name: &'static str) -> Self {
        let person = Self::without_data(test, name);
        let demo = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/demo");
        for file in ["trajectories.json", "pairs.json"] {
            person.user.write(file, fs::read(demo.join(file)).unwrap());
            person.run(&["add", file]).succeeds();
        }
        person
    }

    fn without_data(test: &str, name: &'static str) -> Self {
        let user = User::new(&format!("team-{test}-{name}"));
        Self { name, user }
    }

    fn run(&self, arguments: &[&str]) -> Ended {
        let who = ["--as-user", self.name];
        self.user.retake(who.iter().chain(arguments))
    }

    fn json(&self, arguments: &[&str]) -> Value {
        let who = ["--as-user", self.name];
        let all = who.iter().chain(arguments).chain(&["--format", "json"]);
        self.user.json(all)
    }

    fn ids(&self, query: &str) -> Vec<String> {
        let ended = self.run(&[
            "search", query, "--limit", "0", "--sort", "source", "--format", "ids",
        ]);
        ended.succeeds().stdout.lines().map(str::to_owned).collect()
    }

    fn decides(&self, arguments: &[&str]) {
        self.run(arguments).succeeds();
    }

    fn journals(&self) -> PathBuf {
        self.user.path(".retake/journal")
    }

    fn merges(&self, other: &Person) -> Value {
        let path = other.user.path("");
        self.json(&["merge", path.to_str().unwrap()])
    }

    /// Sees everything from now on.
    fn sees_all(&self) {
        let settings = self.user.folder().join("settings/config.toml");
        fs::write(settings, "[review]\nblind = false\n").unwrap();
    }

    fn review(&self, id: &str) -> Value {
        self.json(&["show", id])["review"].clone()
    }
}

/// Everything that somebody who may see all sees of what people decided.
fn all_that_is_decided(person: &Person) -> Value {
    let json = |arguments: &[&str]| {
        let all = ["--as-user", "guest", "--format", "json"];
        person.user.json(arguments.iter().chain(&all))
    };
    let ids = person.ids("");
    let shown: BTreeMap<&String, Value> = ids.iter().map(|id| (id, json(&["show", id]))).collect();
    json!({
        "shown": shown,
        "log": json(&["log", "--limit", "0"]),
        "facets": json(&["facets"]),
        "queues": json(&["queue"]),
        "agreement": json(&["agreement"]),
    })
}

#[test]
fn whoever_merges_whom_in_which_order_sees_the_same() {
    let people = ["ada", "bob", "cy"].map(|name| Person::new("orders", name));
    let [ada, bob, cy] = &people;
    people.iter().for_each(Person::sees_all);
    ada.decides(&[
        "assign",
        "in:trajectory",
        "--to",
        "ada,bob,cy",
        "--overlap",
        "0.5",
    ]);
    ada.decides(&["review", "accept", "trajectories/harbour-boats", "pairs/0"]);
    ada.decides(&[
        "review",
        "label",
        "trajectories/receipt-date",
        "--step",
        "2",
        "--value",
        "-1",
    ]);
    ada.decides(&["review", "tag", "odd", "trajectories/receipt-date"]);
    bob.decides(&[
        "review",
        "reject",
        "trajectories/harbour-boats",
        "--reason",
        "wrong-tool",
    ]);
    bob.decides(&["pair", "swap", "pairs/0"]);
    bob.decides(&["pair", "accept", "pairs/0"]);
    bob.decides(&[
        "review",
        "edit",
        "trajectories/harbour-boats",
        "--step",
        "1",
        "--field",
        "thought",
        "--text",
        "Count them.",
    ]);
    bob.decides(&["review", "tag", "even", "trajectories/receipt-date"]);
    bob.decides(&["undo"]);
    // Cy has seen what ada did before going on.
    assert_eq!(cy.merges(ada)["bad"], 0);
    cy.decides(&["review", "untag", "odd", "trajectories/receipt-date"]);
    cy.decides(&[
        "review",
        "note",
        "Look at the year.",
        "trajectories/receipt-date",
    ]);
    cy.decides(&["review", "accept", "trajectories/harbour-boats"]);

    ada.merges(cy);
    ada.merges(bob);
    bob.merges(ada);
    cy.merges(bob);
    // What is known already adds nothing.
    for (person, others) in [(ada, [bob, cy]), (bob, [cy, ada]), (cy, [ada, bob])] {
        for other in others {
            let taken = person.merges(other);
            assert_eq!(taken["new"], 0, "{} of {}", person.name, other.name);
        }
    }
    let seen: Vec<Value> = people.iter().map(all_that_is_decided).collect();
    assert_eq!(seen[0], seen[1]);
    assert_eq!(seen[1], seen[2]);

    assert_eq!(
        ada.ids("is:disputed"),
        ["trajectories/harbour-boats", "pairs/0"]
    );
    assert!(ada.ids("tag:odd").is_empty() && ada.ids("tag:even").is_empty());
    assert_eq!(ada.ids("note:year"), ["trajectories/receipt-date"]);
    assert_eq!(
        ada.ids("edit:\"count them\""),
        ["trajectories/harbour-boats"]
    );
    let verdicts = &cy.review("trajectories/harbour-boats")["verdicts"];
    let given: Vec<&str> = verdicts
        .as_array()
        .unwrap()
        .iter()
        .map(|verdict| verdict["verdict"].as_str().unwrap())
        .collect();
    assert_eq!(given, ["accepted", "rejected", "accepted"]);
}

#[test]
fn a_merge_tells_what_is_new_known_and_bad() {
    let [ada, bob] = ["ada", "bob"].map(|name| Person::new("merge", name));
    bob.decides(&[
        "review",
        "reject",
        "trajectories/receipt-date",
        "--reason",
        "unsafe",
    ]);
    bob.decides(&["review", "tag", "odd", "trajectories/receipt-date"]);
    let [journal] = &files(&bob.journals())[..] else {
        panic!("one journal");
    };
    let mut text = fs::read_to_string(journal).unwrap();
    text.push_str("<<<<<<< ours\n");
    fs::write(journal, text).unwrap();
    let merge = ["merge", bob.user.path(".retake").to_str().unwrap()].map(str::to_owned);
    let merge = merge.each_ref().map(String::as_str);
    let first = ada.run(&merge).ends_with(3);
    assert!(first.stdout.contains("2 new, 0 known, 1 bad"), "{first:?}");
    assert!(first.stderr.contains("line 3"), "{first:?}");
    let again = ada.merges(&bob);
    assert_eq!(
        (&again["new"], &again["known"], &again["bad"]),
        (&json!(0), &json!(2), &json!(1))
    );
    assert_eq!(again["journals"][0]["annotator"], "bob");
    // The index has followed.
    assert_eq!(ada.ids("tag:odd"), ["trajectories/receipt-date"]);
    let wrong = ada.run(&["merge", "nowhere"]).ends_with(1);
    assert!(wrong.stderr.contains("nowhere"), "{wrong:?}");
    ada.run(&["merge"]).ends_with(2);
    ada.run(&["--demo", "merge", "."]).ends_with(2);
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap();
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

#[test]
fn lines_that_git_unites_in_any_order_are_read() {
    let ada = Person::new("git", "ada");
    ada.decides(&["review", "tag", "first", "trajectories/receipt-date"]);
    let [journal] = &files(&ada.journals())[..] else {
        panic!("one journal");
    };
    let base = fs::read_to_string(journal).unwrap();
    // Two branches of one checkout go on from the same line.
    ada.decides(&["review", "accept", "trajectories/receipt-date"]);
    let ours = fs::read_to_string(journal).unwrap();
    fs::write(journal, &base).unwrap();
    ada.decides(&["review", "tag", "second", "trajectories/receipt-date"]);
    let theirs = fs::read_to_string(journal).unwrap();
    let [ours, theirs] = [&ours, &theirs].map(|text| text.strip_prefix(&base).unwrap());
    // `merge=union` keeps the lines of both, and may put theirs first, or a line twice.
    fs::write(journal, format!("{theirs}{base}{ours}{base}")).unwrap();
    assert_eq!(
        ada.ids("tag:first tag:second is:accepted"),
        ["trajectories/receipt-date"]
    );
    ada.decides(&["undo"]);
    assert!(ada.ids("tag:second").is_empty(), "the newest is undone");
    assert_eq!(
        ada.ids("tag:first is:accepted"),
        ["trajectories/receipt-date"]
    );
}

#[test]
fn what_others_said_is_hidden_until_ones_own_verdict_is_saved() {
    let [ada, bob, cy] = ["ada", "bob", "cy"].map(|name| Person::new("blind", name));
    let id = "trajectories/receipt-date";
    bob.decides(&[
        "review",
        "reject",
        id,
        "--reason",
        "hallucination",
        "--text",
        "It made the year up.",
    ]);
    bob.decides(&["review", "label", id, "--step", "2", "--value", "-1"]);
    bob.decides(&["review", "first-wrong-step", id, "--step", "2"]);
    bob.decides(&["pair", "swap", "pairs/3"]);
    bob.decides(&["pair", "accept", "pairs/3"]);
    let states = ["is:rejected", "review:rejected", "is:reviewed"];
    let queries = [
        "verdict:rejected",
        "reason:hallucination",
        "reason:\"made the year up\"",
        "label:bad",
        "label:first-wrong",
        "in:step label:bad",
    ];
    let as_made = ada.json(&["show", "pairs/3"])["pairs"][0]["chosen"].clone();
    ada.merges(&bob);
    for query in states.iter().chain(&queries) {
        assert!(ada.ids(query).is_empty(), "{query}");
    }
    assert!(ada.ids("is:unreviewed").contains(&id.to_owned()));
    let review = ada.review(id);
    assert_eq!(
        (&review["state"], &review["verdicts"]),
        (&json!("unreviewed"), &json!([]))
    );
    assert_eq!(
        ada.json(&["show", "pairs/3"])["pairs"][0]["chosen"],
        as_made
    );
    let facets = ada.json(&["facets", "--field", "review", "--field", "label"]);
    assert_eq!(facets["facets"]["review"], json!({"unreviewed": 26}));
    assert_eq!(facets["facets"]["label"], json!({}));
    assert_eq!(
        ada.json(&["stats"])["facets"]["review"],
        json!({"unreviewed": 26})
    );
    let log = ada.run(&["log", id]).succeeds();
    for word in [
        "reject",
        "hallucination",
        "made the year up",
        "first wrong",
        "-1",
    ] {
        assert!(!log.stdout.contains(word), "{word}: {log:?}");
    }
    assert_eq!(ada.json(&["log", "pairs/3"])["entries"], json!([]));
    let agreement = ada
        .run(&["agreement", "id:trajectories/receipt-date"])
        .succeeds();
    assert!(!agreement.stdout.contains("hallucination"), "{agreement:?}");
    let page = ada.run(&["show", id, "--no-images"]).succeeds();
    assert!(!page.stdout.contains("hallucination"), "{page:?}");

    // With her own verdict she sees his, and without it no longer.
    ada.decides(&["review", "accept", id]);
    ada.decides(&["pair", "tie", "pairs/3"]);
    for query in queries {
        assert_eq!(ada.ids(query), [id], "{query}");
    }
    assert_eq!(ada.ids("is:disputed"), [id, "pairs/3"]);
    assert_eq!(
        ada.review(id)["verdicts"][1]["reasons"],
        json!(["hallucination"])
    );
    assert!(
        ada.run(&["log", id])
            .succeeds()
            .stdout
            .contains("hallucination")
    );
    ada.decides(&["undo", "2"]);
    assert_eq!(ada.review(id)["verdicts"], json!([]));
    assert!(ada.ids("reason:hallucination").is_empty());

    // A third person hears that others disagree, and still has it to do.
    ada.decides(&["redo", "2"]);
    cy.merges(&ada);
    cy.merges(&bob);
    assert_eq!(cy.review(id)["state"], "disputed");
    assert_eq!(cy.review(id)["verdicts"], json!([]));
    assert_eq!(cy.ids("is:disputed is:unreviewed"), [id, "pairs/3"]);
    assert!(cy.ids("is:reviewed").is_empty());
    assert!(cy.ids("reason:hallucination").is_empty());
    cy.decides(&["review", "accept", id]);
    assert_eq!(cy.ids("is:disputed is:reviewed"), [id]);
}

// --- Agreement ---

/// The figures of the trajectories in a journal folder, from the library alone.
fn figures_of(folder: &Path, items: &[(String, String)]) -> BTreeMap<String, Figures> {
    let journals = JournalFolder::open(folder, &Progress::default()).unwrap();
    let mut ratings = ReviewRatings::default();
    for (id, hash) in items {
        let hash: ContentHash = hash.parse().unwrap();
        let review = journals
            .reviews()
            .review(&TargetId::parse(id), &hash, |_| true);
        ratings.add(ReviewedKind::Trajectory, &review, false);
    }
    let named = |asked: &retake::domain::agreement::QuestionFigures| {
        let reason = asked.question.reason().unwrap_or_default();
        format!("{} {reason}", asked.question.name())
    };
    let figures = ratings.figures();
    figures
        .into_iter()
        .map(|asked| (named(&asked), asked.all))
        .collect()
}

#[test]
fn agreement_is_what_the_library_says_and_what_a_pencil_says() {
    let [ada, bob] = ["ada", "bob"].map(|name| Person::without_data("agreement", name));
    let records: Vec<Value> = (0..50)
        .map(|number| {
            record(
                &format!("r{number:02}"),
                &format!("Question {number}?"),
                "1",
                "1",
            )
        })
        .collect();
    for person in [&ada, &bob] {
        person.user.write("runs.json", array(&records));
        person.decides(&["add", "runs.json"]);
    }
    let id = |number: usize| format!("runs/r{number:02}");
    // Numbers of records as `0-20,25-35`, without the last of each range.
    let decide = |person: &Person, verb: &str, numbers: &str, extra: &[&str]| {
        let ranges = numbers
            .split(',')
            .map(|range| range.split_once('-').unwrap());
        let ranges = ranges.flat_map(|(start, end)| start.parse().unwrap()..end.parse().unwrap());
        let ids: Vec<String> = ranges.map(id).collect();
        let mut arguments = vec!["review", verb];
        arguments.extend(ids.iter().map(String::as_str));
        arguments.extend(extra);
        person.decides(&arguments);
    };
    // 20 both accept, 5 only ada, 10 only bob, 15 neither: κ = (0.7 − 0.5) / 0.5.
    decide(&ada, "accept", "0-25", &[]);
    decide(&ada, "reject", "25-50", &["--reason", "unsafe"]);
    decide(&bob, "accept", "0-20,25-35", &[]);
    decide(&bob, "reject", "20-25,35-45", &["--reason", "unsafe"]);
    decide(&bob, "reject", "45-50", &["--reason", "unsafe,wrong-tool"]);
    decide(&ada, "label", "0-3", &["--step", "1", "--value", "1"]);
    decide(&bob, "label", "0-2", &["--step", "1", "--value", "1"]);
    decide(&bob, "label", "2-3", &["--step", "1", "--value", "0"]);
    // What is undone is no rating, and neither is an adjudication.
    decide(&ada, "label", "3-9", &["--step", "1", "--value", "-1"]);
    ada.decides(&["undo"]);
    ada.merges(&bob);
    ada.decides(&["review", "adjudicate", "runs/r20", "accept"]);

    let told = ada.json(&["agreement"]);
    assert_eq!(told["annotators"], json!(["ada", "bob"]));
    let questions = told["questions"].as_array().unwrap();
    let verdict = &questions[0];
    assert_eq!(
        (&verdict["question"], &verdict["units"]),
        (&json!("verdict"), &json!(50))
    );
    assert_eq!(verdict["pairable"], 50);
    let near = |value: &Value, wanted: f64| (value.as_f64().unwrap() - wanted).abs() < 1e-9;
    assert!(near(&verdict["percent"], 70.0), "{verdict}");
    assert!(near(&verdict["kappa"], 0.4), "{verdict}");
    // Of 100 ratings 55 accept: 15 units of 50 disagree, by chance 2·55·45/99.
    assert!(
        near(&verdict["alpha"], 1.0 - 30.0 * 99.0 / (2.0 * 55.0 * 45.0)),
        "{verdict}"
    );
    assert_eq!(verdict["pairs"][0]["annotators"], json!(["ada", "bob"]));
    assert_eq!(verdict["pairs"][0]["kappa"], verdict["kappa"]);

    let items: Vec<(String, String)> = (0..50)
        .map(|number| {
            let shown = ada.json(&["show", &id(number)]);
            (id(number), shown["hash"].as_str().unwrap().to_owned())
        })
        .collect();
    let figures = figures_of(&ada.journals(), &items);
    assert_eq!(questions.len(), figures.len());
    for asked in questions {
        let name = format!(
            "{} {}",
            asked["question"].as_str().unwrap(),
            asked["reason"].as_str().unwrap_or_default()
        );
        let of_library = &figures[&name];
        let counts = of_library.counts.unwrap();
        assert_eq!(asked["units"], counts.units, "{name}");
        assert_eq!(asked["pairable"], counts.pairable, "{name}");
        assert_eq!(asked["ratings"], counts.ratings, "{name}");
        for (key, figure) in [("kappa", of_library.kappa), ("alpha", of_library.alpha)] {
            match figure {
                Ok(value) => assert!(near(&asked[key], value), "{name} {key}: {asked}"),
                Err(reason) => {
                    assert!(asked[key].is_null(), "{name} {key}: {asked}");
                    assert_eq!(asked["undefined"][key], reason.to_string(), "{name}");
                }
            }
        }
    }
    // Fifteen were rejected by both; bob names one reason more for five of them.
    let reason = |name: &str| {
        questions
            .iter()
            .find(|asked| asked["reason"] == name)
            .unwrap()
    };
    assert_eq!(
        reason("unsafe")["undefined"]["alpha"],
        "only one category was used"
    );
    assert!(near(&reason("wrong-tool")["percent"], 100.0 * 10.0 / 15.0));
    // A query narrows it.
    let some = ada.json(&["agreement", "id:runs/r0*"]);
    assert_eq!(some["questions"][0]["units"], 10);
    let nobody = ada.json(&["agreement", "id:none"]);
    assert_eq!(
        nobody,
        json!({"annotators": [], "questions": [], "blind_votes": []})
    );
}

#[test]
fn agreement_tells_nothing_of_few_items_that_are_hidden() {
    let [bob, cy, lead] = ["bob", "cy", "lead"].map(|name| Person::new("few", name));
    let ids = lead.ids("in:trajectory");
    let first: Vec<&str> = ids.iter().map(String::as_str).take(6).collect();
    for person in [&bob, &cy] {
        person.decides(&[&["review", "accept"], &first[..]].concat());
        person.decides(&["review", "reject", &ids[6], "--reason", "unsafe"]);
        lead.merges(person);
    }
    let all = lead.json(&["agreement"]);
    assert_eq!(all["questions"][0]["percent"], 100.0);
    let rejected = format!("id:{}", ids[6]);
    let accepted = format!("id:{}", ids[0]);
    let [of_rejected, of_accepted] = [&rejected, &accepted].map(|query| {
        let mut told = lead.json(&["agreement", query]);
        assert_eq!(told["questions"][0]["units"], Value::Null);
        assert!(told["questions"][0]["percent"].is_null());
        told["annotators"].take();
        told
    });
    assert_eq!(of_rejected, of_accepted, "it tells which is which");
    lead.sees_all();
    assert_eq!(
        lead.json(&["agreement", &rejected])["questions"][1]["reason"],
        "unsafe"
    );
}

// --- Queues ---

fn assigned(told: &Value) -> BTreeMap<String, BTreeSet<String>> {
    let items = told["items"].as_array().unwrap().iter();
    let entry = |item: &Value| {
        let annotators = item["annotators"].as_array().unwrap().iter();
        let names = annotators.map(|name| name.as_str().unwrap().to_owned());
        (item["id"].as_str().unwrap().to_owned(), names.collect())
    };
    items.map(entry).collect()
}

#[test]
fn queues_are_balanced_repeatable_and_undone_as_one() {
    let lead = Person::new("queue", "lead");
    let assign = |extra: &[&str]| lead.json(&[&["assign", "--to", "ada,bob,cy"], extra].concat());
    let options = ["--overlap", "0.25", "--seed", "7", "--queue", "pilot"];
    let first = assign(&options);
    let who = assigned(&first);
    assert_eq!((first["assigned"].as_u64(), who.len()), (Some(26), 26));
    // A quarter of 26 is 6.5: seven go to two.
    assert_eq!(who.values().filter(|names| names.len() == 2).count(), 7);
    let loads: Vec<u64> = first["annotators"]
        .as_array()
        .unwrap()
        .iter()
        .map(|annotator| annotator["items"].as_u64().unwrap())
        .collect();
    assert_eq!(loads, [11, 11, 11]);
    for name in ["ada", "bob", "cy"] {
        let own: Vec<String> = lead.ids(&format!("queue:pilot assigned:{name}"));
        let wanted: Vec<&String> = who
            .iter()
            .filter(|(_, names)| names.contains(name))
            .map(|(id, _)| id)
            .collect();
        assert_eq!(
            own.iter().collect::<BTreeSet<_>>(),
            wanted.into_iter().collect()
        );
    }
    // What is in the queue stays.
    let again = assign(&options);
    assert_eq!(
        (&again["assigned"], &again["kept"]),
        (&json!(0), &json!(26))
    );
    assert_eq!(again["batch"], Value::Null);
    // One undo takes it back, and the same call gives the same queue; another seed another one.
    lead.decides(&["undo"]);
    assert!(lead.ids("queue:pilot").is_empty());
    assert_eq!(lead.json(&["queue"]), json!([]));
    assert_eq!(assigned(&assign(&options)), who);
    lead.decides(&["undo"]);
    let other = assign(&["--overlap", "0.25", "--seed", "8", "--queue", "pilot"]);
    assert_ne!(assigned(&other), who);
    let before = lead.json(&["queue"]);
    lead.decides(&["undo"]);
    lead.decides(&["redo"]);
    assert_eq!(lead.json(&["queue"]), before);

    for wrong in [
        &["--to", "ada,ada"][..],
        &["--to", "ada", "--overlap", "0.5"],
        &["--to", "ada,bob", "--overlap", "1.5"],
        &["--to", "ada,bob", "--per", "3"],
        &["--to", "ada,,bob"],
        &[],
    ] {
        lead.run(&[&["assign"], wrong].concat()).ends_with(2);
    }
}

#[test]
fn new_data_are_dealt_out_and_old_items_stay() {
    let lead = Person::without_data("grow", "lead");
    let records = |count: usize| -> Vec<Value> {
        (0..count)
            .map(|n| record(&format!("r{n:03}"), &format!("Question {n}?"), "1", "1"))
            .collect()
    };
    lead.user.write("runs.json", array(&records(100)));
    lead.decides(&["add", "runs.json"]);
    let assign = ["assign", "--to", "ada,bob,cy", "--overlap", "0.2"];
    let before = assigned(&lead.json(&assign));
    // Whoever has done something has done it.
    lead.user.write("runs.json", array(&records(110)));
    let added = lead.json(&assign);
    assert_eq!(
        (&added["assigned"], &added["kept"]),
        (&json!(10), &json!(100))
    );
    let queue = lead.json(&["queue", "review"]);
    assert_eq!(queue[0]["items"], 110);
    // 120 before; of the ten new ones two are for two.
    let loads = queue[0]["annotators"].as_array().unwrap().iter();
    let loads: Vec<u64> = loads.map(|one| one["items"].as_u64().unwrap()).collect();
    assert_eq!(loads, [44, 44, 44]);
    for (id, names) in &before {
        let query = format!("id:{id} assigned:{}", names.first().unwrap());
        assert_eq!(lead.ids(&query), [id.as_str()]);
    }
    // Dealt out at once, most of the old items have the same annotators.
    let anew = assigned(&lead.json(&[&assign[..], &["--again"]].concat()));
    assert_eq!(anew.len(), 110);
    let kept = before.iter().filter(|(id, names)| anew[*id] == **names);
    assert!(kept.clone().count() >= 80, "{}", kept.count());
}

#[test]
fn an_index_with_the_eyes_of_another_tells_nothing_of_verdicts() {
    let bob = Person::new("eyes", "bob");
    let id = "trajectories/receipt-date";
    let words = ["--reason", "hallucination", "--text", "It mumbled."];
    bob.decides(&[&["review", "reject", id][..], &words].concat());
    bob.decides(&["review", "note", "peculiar", id]);
    let ada = |arguments: &[&str]| {
        let who = ["--as-user", "ada"];
        bob.user.retake(who.iter().chain(arguments))
    };
    {
        // Another process is indexing, so the index stays as bob left it.
        let lock = fs::File::create(bob.user.path(".retake/index/lock")).unwrap();
        lock.try_lock().unwrap();
        for query in ["verdict:rejected", "-is:unreviewed", "a OR reason:mumbled"] {
            let refused = ada(&["search", query]).ends_with(1);
            assert!(refused.stderr.contains("what bob may see"), "{refused:?}");
            assert!(refused.stderr.contains("`retake index`"), "{refused:?}");
        }
        let ids = |query: &str| ada(&["search", query, "--format", "ids"]).succeeds();
        assert_eq!(ids("mumbled").stdout, "");
        assert_eq!(ids("peculiar").stdout, format!("{id}\n"));
        assert!(
            ids("peculiar")
                .stderr
                .contains("neither searched nor counted"),
            "{:?}",
            ids("peculiar")
        );
        let facets = ada(&[
            "facets", "--field", "review", "--field", "tool", "--format", "json",
        ]);
        let facets: Value = serde_json::from_str(&facets.succeeds().stdout).unwrap();
        assert_eq!(facets["facets"]["review"], json!({}));
        assert_ne!(facets["facets"]["tool"], json!({}));
        ada(&["search", "", "--sample", "3", "--by", "review"]).ends_with(1);
    }
    let rejected = ada(&["search", "verdict:rejected", "--format", "ids"]).succeeds();
    assert_eq!((&*rejected.stdout, &*rejected.stderr), ("", ""));
    assert_eq!(bob.ids("verdict:rejected mumbled"), [id]);
}

#[test]
fn what_changes_or_goes_is_told_to_be_out_of_its_queue() {
    let lead = Person::without_data("lapse", "lead");
    let record =
        |n: usize, answer: &str| record(&format!("r{n}"), &format!("Question {n}?"), answer, "1");
    let all: Vec<Value> = (0..6).map(|n| record(n, "1")).collect();
    lead.user.write("runs.json", array(&all));
    lead.decides(&["add", "runs.json"]);
    lead.decides(&["assign", "--to", "ada,bob", "--queue", "pilot"]);
    let whole = lead.json(&["queue"]);
    assert_eq!(
        (&whole[0]["items"], &whole[0]["changed"], &whole[0]["gone"]),
        (&json!(6), &json!([]), &json!([]))
    );
    // One is another now, and the last is gone.
    let mut changed = all.clone();
    changed[2] = record(2, "another answer");
    changed.pop();
    lead.user.write("runs.json", array(&changed));
    let told = lead.json(&["queue", "pilot"]);
    assert_eq!(told[0]["items"], 4);
    assert_eq!(told[0]["changed"], json!(["runs/r2"]));
    assert_eq!(told[0]["gone"], json!(["runs/r5"]));
    let text = lead.run(&["queue"]).succeeds();
    for part in [
        "1 changed in their sources since they were assigned: runs/r2",
        "1 are in no source that can be read here: runs/r5",
    ] {
        assert!(text.stdout.contains(part), "{text:?}");
    }
    assert!(
        text.stderr.contains("retake assign is:source-changed"),
        "{text:?}"
    );
    let of = |name: &str| {
        let who = ["--as-user", name, "queue", "--next", "--format", "json"];
        lead.user.json(who.iter())["lapsed"].as_u64().unwrap()
    };
    assert_eq!(of("ada") + of("bob"), 2);
    // Assigned again it is back; what is gone stays told.
    let again = [
        "assign",
        "is:source-changed",
        "--to",
        "ada",
        "--queue",
        "pilot",
    ];
    assert_eq!(lead.json(&again)["assigned"], 1);
    let told = lead.json(&["queue"]);
    assert_eq!(
        (&told[0]["items"], &told[0]["changed"]),
        (&json!(5), &json!([]))
    );
    assert_eq!(told[0]["gone"], json!(["runs/r5"]));
    // An assignment that was taken back is nobody's.
    lead.decides(&["undo", "2"]);
    assert_eq!(lead.json(&["queue"]), json!([]));
}

#[test]
fn each_annotator_works_through_their_own_items() {
    let [lead, ada, bob] = ["lead", "ada", "bob"].map(|name| Person::new("next", name));
    let told = lead.json(&[
        "assign",
        "in:trajectory",
        "--to",
        "ada,bob",
        "--overlap",
        "1",
    ]);
    assert_eq!(told["assigned"], 17);
    ada.merges(&lead);
    bob.merges(&lead);
    let next = |person: &Person| {
        let ended = person.run(&["-q", "queue", "--next"]).succeeds();
        ended.stdout.trim_end().to_owned()
    };
    let first = next(&ada);
    assert_eq!(first, ada.ids("assigned:ada is:unreviewed")[0]);
    ada.decides(&["review", "accept", &first]);
    let second = next(&ada);
    assert_ne!(first, second);
    // What others decided makes no difference, nor does that they disagree.
    bob.decides(&["review", "reject", &first, &second, "--reason", "unsafe"]);
    ada.merges(&bob);
    assert_eq!(next(&ada), second);
    assert_eq!(ada.ids("assigned:ada is:unreviewed").len(), 16);
    let progress = |person: &Person| {
        let queue = person.json(&["queue"]);
        let of = |at: usize| queue[0]["annotators"][at]["done"].as_u64().unwrap();
        [of(0), of(1)]
    };
    assert_eq!(progress(&ada), [1, 2]);
    // What is adjudicated is settled for everybody.
    lead.merges(&ada);
    lead.decides(&["review", "adjudicate", &second, "reject"]);
    ada.merges(&lead);
    let third = next(&ada);
    assert!(third != first && third != second);
    assert_eq!(progress(&ada), [2, 2]);
    let all = ada.ids("in:trajectory");
    let all: Vec<&str> = all.iter().map(String::as_str).collect();
    ada.decides(&[&["review", "accept"], &all[..]].concat());
    assert_eq!(next(&ada), "");
    assert_eq!(
        ada.json(&["queue", "--next"]),
        json!({"id": null, "queue": null, "left": 0, "lapsed": 0})
    );
    let unknown = ada.run(&["queue", "nothing"]).ends_with(1);
    assert!(unknown.stderr.contains("queues: review"), "{unknown:?}");
    // Somebody who has nothing has nothing left.
    assert_eq!(next(&lead), "");
}

// --- Disputes ---

#[test]
fn an_adjudication_ends_a_dispute_and_holds() {
    let [ada, bob, cy] = ["ada", "bob", "cy"].map(|name| Person::new("dispute", name));
    let id = "trajectories/receipt-date";
    ada.decides(&["review", "accept", id]);
    bob.decides(&["review", "reject", id, "--reason", "wrong-answer"]);
    cy.merges(&ada);
    cy.merges(&bob);
    assert_eq!(cy.ids("is:disputed"), [id]);
    let told = cy.json(&[
        "review",
        "adjudicate",
        id,
        "reject",
        "--reason",
        "hallucination",
        "--text",
        "No such year.",
    ]);
    assert_eq!(told["before"], "disputed");
    assert_eq!(told["own_verdict"], false);
    assert!(cy.ids("is:disputed").is_empty());
    assert_eq!(cy.ids("is:rejected reason:\"such year\""), [id]);
    // Everybody sees who settled it, and how.
    for person in [&ada, &bob] {
        person.merges(&cy);
        person.merges(if person.name == "ada" { &bob } else { &ada });
        let review = person.review(id);
        assert_eq!(review["state"], "rejected");
        assert_eq!(review["adjudication"]["annotator"], "cy");
        assert_eq!(review["objections"], json!([]));
    }
    // Ada insists: the adjudication holds, and that she does is shown.
    ada.decides(&["review", "accept", id, "trajectories/harbour-dusk"]);
    ada.decides(&["review", "reject", id]);
    ada.decides(&["review", "accept", id]);
    let review = ada.review(id);
    assert_eq!(
        (&review["state"], &review["objections"]),
        (&json!("rejected"), &json!(["ada"]))
    );
    let page = ada.run(&["show", id, "--no-images"]).succeeds();
    assert!(
        page.stdout
            .contains("it holds, although ada disagreed since"),
        "{page:?}"
    );
    // A new adjudication takes its place; whoever gives it on an own quarrel is told so.
    cy.merges(&ada);
    let again = cy.run(&["review", "adjudicate", id, "accept"]).succeeds();
    assert!(
        again
            .stderr
            .contains("takes the place of what cy adjudicated"),
        "{again:?}"
    );
    assert_eq!(cy.ids("is:accepted"), [id]);
    cy.decides(&["undo", "2"]);
    assert_eq!(cy.ids("is:disputed"), [id]);
    bob.decides(&["review", "accept", "trajectories/harbour-boats"]);
    ada.decides(&["review", "reject", "trajectories/harbour-boats"]);
    bob.merges(&ada);
    let own = bob
        .run(&[
            "review",
            "adjudicate",
            "trajectories/harbour-boats",
            "accept",
        ])
        .succeeds();
    assert!(
        own.stderr
            .contains("your own verdict is among those that disagree"),
        "{own:?}"
    );
    let alone = bob.run(&[
        "review",
        "adjudicate",
        "trajectories/portrait-nearest",
        "accept",
    ]);
    let alone = alone.succeeds();
    assert!(alone.stderr.contains("nobody disagreed"), "{alone:?}");
    for wrong in [
        &["review", "adjudicate", id, "tie"][..],
        &["review", "adjudicate", id, "accept", "--swap"],
        &["review", "adjudicate", id, "accept", "--reason", "unsafe"],
        &[
            "review",
            "adjudicate",
            id,
            "reject",
            "--reason",
            "unheard-of",
        ],
        &["review", "adjudicate", id],
    ] {
        bob.run(wrong).ends_with(2);
    }
}

#[test]
fn annotators_disagree_on_the_side_of_a_pair() {
    let [ada, bob, cy] = ["ada", "bob", "cy"].map(|name| Person::new("sides", name));
    let chosen = |person: &Person| person.json(&["show", "pairs/2"])["pairs"][0]["chosen"].clone();
    let as_made = chosen(&cy);
    let rejected = cy.json(&["show", "pairs/2"])["pairs"][0]["rejected"].clone();
    // Bob decides first; ada has not seen it and accepts the pair as it was made.
    bob.decides(&["pair", "swap", "pairs/2"]);
    bob.decides(&["pair", "accept", "pairs/2"]);
    ada.decides(&["pair", "accept", "pairs/2"]);
    bob.decides(&["pair", "accept", "pairs/4"]);
    ada.decides(&["pair", "accept", "pairs/4"]);
    cy.merges(&ada);
    cy.merges(&bob);
    assert_eq!(cy.ids("is:disputed"), ["pairs/2"]);
    assert_eq!(chosen(&cy), as_made, "who prefers what is hidden");
    cy.sees_all();
    let figures = cy.json(&["agreement"]);
    assert_eq!(figures["questions"][0]["question"], "pair-verdict");
    assert_eq!(figures["questions"][0]["percent"], 50.0);
    // Seen as it is shown, bob's way, the other side is ada's.
    assert_eq!(chosen(&cy), rejected);
    cy.decides(&["review", "adjudicate", "pairs/2", "accept", "--swap"]);
    assert_eq!(chosen(&cy), as_made);
    assert_eq!(cy.review("pairs/2")["state"], "accepted");
    bob.merges(&cy);
    assert_eq!(chosen(&bob), as_made);
    let refused = bob.run(&["pair", "swap", "pairs/2"]).ends_with(1);
    assert!(
        refused.stderr.contains("cy adjudicated pairs/2"),
        "{refused:?}"
    );
    assert_eq!(chosen(&bob), as_made);
    cy.decides(&["review", "adjudicate", "pairs/2", "tie"]);
    assert_eq!(cy.ids("is:tie"), ["pairs/2"]);
}
