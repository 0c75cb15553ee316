use super::*;
use crate::reason::Excerpt;
use engine::activity::Value;
use model::source::Field;
use model::time::EventTime;

const HEAD: &str = r#""id":"e-1","time":"2026-06-15T22:00:00Z","account":"northwind""#;

fn decode(source: Source, fields: &str) -> Result<Vec<(Field, String)>, Reason> {
    let comma = if fields.is_empty() { "" } else { "," };
    let text = format!("{{{HEAD}{comma}{fields}}}");
    let mut decoder = Decoder::default();
    let activity = decoder.decode(source, 3, 42, text.as_bytes())?;
    assert_eq!((activity.source, activity.partition, activity.offset), (source, 3, 42));
    assert_eq!((activity.account, activity.time), ("northwind", EventTime(1_781_560_800_000)));
    assert_eq!(activity.id, fingerprint::of_activity(source, "e-1"));
    let shown = |value| match value {
        Value::Word(word) => word.to_owned(),
        Value::Key(key) => format!("#{key:x}"),
        Value::Number(number) => number.to_string(),
        Value::Time(time) => time.to_string(),
    };
    Ok(activity.fields.iter().map(|(field, value)| (field, shown(value))).collect())
}

fn key(text: &str) -> String {
    format!("#{:x}", fingerprint::of(text.as_bytes()))
}

fn whole(text: &str) -> Result<String, Reason> {
    Decoder::default()
        .decode(Source::Login, 0, 0, text.as_bytes())
        .map(|activity| activity.account.to_owned())
}

#[test]
fn every_source_is_read_by_its_fields() {
    let cases = [
        (Source::Login, r#""user":"u1""#, vec![(Field::User, key("u1")), (Field::Kind, "signed-in".into())]),
        (
            Source::FeatureUsage,
            r#""feature":"import","user":"u1","value":-1.5"#,
            vec![
                (Field::Feature, "import".into()),
                (Field::User, key("u1")),
                (Field::Value, "-1.5".into()),
                (Field::Count, "1".into()),
            ],
        ),
        (
            Source::Support,
            r#""ticket":4711,"kind":"opened","by":"customer""#,
            vec![
                (Field::Ticket, key("4711")),
                (Field::Kind, "opened".into()),
                (Field::By, "customer".into()),
            ],
        ),
        (
            Source::CsmActivity,
            r#""kind":"anything","minutes":30"#,
            vec![
                (Field::Kind, "anything".into()),
                (Field::Minutes, "30".into()),
                (Field::State, "held".into()),
            ],
        ),
        (
            Source::Feedback,
            r#""kind":"nps","score":9,"comment":["any",{"thing":1}]"#,
            vec![(Field::Kind, "nps".into()), (Field::Score, "9".into())],
        ),
        (
            Source::Subscription,
            r#""kind":"renewed","mrr":"1200.50","seats":25,"renews_at":"2026-08-20T02:00:00+02:00""#,
            vec![
                (Field::Kind, "renewed".into()),
                (Field::Mrr, "1200.5".into()),
                (Field::Seats, "25".into()),
                (Field::RenewsAt, "2026-08-20T00:00:00Z".into()),
            ],
        ),
        (
            Source::Account,
            r#""name":"Northwind \"N\" Traders","segment":null,"owner":"","attributes":{"a":[1,2]}"#,
            vec![(Field::Name, "Northwind \"N\" Traders".into()), (Field::State, "active".into())],
        ),
        (
            Source::Milestone,
            r#""milestone":"data-imported","kind":"planned","due_at":"2026-01-01T00:00:00Z""#,
            vec![
                (Field::Milestone, key("data-imported")),
                (Field::Kind, "planned".into()),
                (Field::DueAt, "2026-01-01T00:00:00Z".into()),
            ],
        ),
        (Source::Command, r#""kind":"acknowledge""#, vec![(Field::Kind, "acknowledge".into())]),
    ];
    for (source, fields, expected) in cases {
        assert_eq!(decode(source, fields), Ok(expected), "{source}");
    }
}

#[test]
fn what_a_source_or_kind_requires_is_asked_for() {
    for (source, fields, missing) in [
        (Source::FeatureUsage, "", "feature"),
        (Source::Support, r#""kind":"opened""#, "ticket"),
        (Source::Support, r#""ticket":"t","kind":null"#, "kind"),
        (Source::CsmActivity, r#""kind":"""#, "kind"),
        (Source::Feedback, r#""kind":"nps""#, "score"),
        (Source::Subscription, "", "kind"),
        (Source::Milestone, r#""kind":"reached""#, "milestone"),
        (Source::Milestone, r#""milestone":"m","kind":"planned""#, "due_at"),
        (Source::Command, "", "kind"),
        (Source::Command, r#""kind":"override""#, "score or band"),
        (Source::Command, r#""kind":"override","score":5,"author":"a","reason":"r""#, "expires_at"),
        (Source::Command, r#""kind":"override","band":"b","author":"a""#, "reason"),
        (Source::Command, r#""kind":"snooze","expires_at":"2026-01-01T00:00:00Z""#, "rule"),
        (Source::Command, r#""kind":"snooze","rule":"r""#, "expires_at"),
    ] {
        let found = decode(source, fields);
        assert!(
            matches!(found, Err(Reason::Missing { field, .. }) if field == missing),
            "{fields}: {found:?}"
        );
    }
    let complete =
        r#""kind":"override","band":"b","author":"a","reason":"r","expires_at":"2026-01-01T00:00:00Z""#;
    assert!(decode(Source::Command, complete).is_ok());
    for (score, is_one) in [("0", true), ("100", true), ("100.01", false), ("-1", false)] {
        let set = complete.replace(r#""band":"b""#, &format!(r#""score":{score}"#));
        assert_eq!(decode(Source::Command, &set).is_ok(), is_one, "{score}");
    }
    assert!(decode(Source::Milestone, r#""milestone":"m","kind":"reached""#).is_ok());
}

#[test]
fn a_wrong_value_is_named_with_what_it_must_be() {
    let digits = "9".repeat(400);
    let long = "w".repeat(257);
    for (source, fields, code, message) in [
        (Source::Login, r#""user":true"#.to_owned(), "wrong-value", "`user` must be a text, found `true`"),
        (Source::Login, r#""kind":7"#.to_owned(), "wrong-value", "`kind` must be a text, found `7`"),
        (Source::Login, r#""kind":"Signed-In""#.to_owned(), "unknown-word", "found `Signed-In`"),
        (
            Source::FeatureUsage,
            r#""feature":"f","count":"3""#.to_owned(),
            "wrong-value",
            "`count` must be a number",
        ),
        (
            Source::FeatureUsage,
            format!(r#""feature":"f","count":{digits}"#),
            "wrong-value",
            "`count` must be",
        ),
        (Source::FeatureUsage, r#""feature":"f","count":1000000001"#.to_owned(), "wrong-value", "`count`"),
        (Source::FeatureUsage, format!(r#""feature":"{long}""#), "too-long", "`feature` has 257 bytes"),
        (
            Source::Subscription,
            r#""kind":"ended","mrr":"1,200""#.to_owned(),
            "wrong-value",
            "`mrr` must be a decimal",
        ),
        (
            Source::Subscription,
            r#""kind":"ended","renews_at":"2026-08-20""#.to_owned(),
            "wrong-value",
            "RFC 3339",
        ),
        (Source::Subscription, r#""kind":"ended","renews_at":5"#.to_owned(), "wrong-value", "RFC 3339"),
        (
            Source::Login,
            r#""user":"a","user":"a""#.to_owned(),
            "duplicate-field",
            "`user` stands more than once",
        ),
        (Source::Login, r#""time":null"#.to_owned(), "duplicate-field", "`time` stands more than once"),
        (Source::Login, r#""us\u0065r":"a","user":"b""#.to_owned(), "duplicate-field", "`user`"),
    ] {
        let reason = decode(source, &fields).unwrap_err();
        assert_eq!(reason.code(), code, "{fields}");
        assert!(reason.to_string().contains(message), "{reason}");
        assert!(reason.to_string().len() < 300);
    }
}

#[test]
fn id_time_and_account_are_checked() {
    let record =
        |id: &str, time: &str, account: &str| format!(r#"{{"id":{id},"time":{time},"account":{account}}}"#);
    let time = r#""2026-06-15T22:00:00Z""#;
    let long = format!("\"{}\"", "x".repeat(257));
    assert_eq!(whole(&record("17", time, "\"ä\"")), Ok("ä".into()));
    assert_eq!(whole(&record("\"a\"", time, r#""n\u00e4h""#)), Ok("näh".into()));
    for (text, code) in [
        (record("\"\"", time, "\"a\""), "missing-field"),
        (record("null", time, "\"a\""), "missing-field"),
        (record(&long, time, "\"a\""), "too-long"),
        (record("\"a\"", "null", "\"a\""), "missing-field"),
        (record("\"a\"", "\"now\"", "\"a\""), "wrong-value"),
        (record("\"a\"", time, "\"\""), "missing-field"),
        (record("\"a\"", time, "7"), "wrong-value"),
        (record("\"a\"", time, &long), "too-long"),
        (record("\"a\"", time, r#""a\u0007""#), "wrong-value"),
        (record("\"a\"", time, "\"a\u{7f}\""), "wrong-value"),
        (record("\"a\"", time, "\"a\u{85}\""), "wrong-value"),
        ("{}".into(), "missing-field"),
        ("[]".into(), "not-an-object"),
        ("5 ".into(), "not-an-object"),
        ("5 5".into(), "not-json"),
        ("".into(), "not-json"),
        ("{".into(), "not-json"),
        (format!("{{{HEAD}}}x"), "not-json"),
        (format!("{{{HEAD},\"x\":{}1{}}}", "[".repeat(31), "]".repeat(31)), ""),
        (format!("{{{HEAD},\"x\":{}1{}}}", "[".repeat(32), "]".repeat(32)), "too-deep"),
    ] {
        assert_eq!(whole(&text).map_or_else(|reason| reason.code(), |_| ""), code, "{text}");
    }
}

#[test]
fn order_and_space_change_nothing() {
    let plain = r#"{"id":"a","time":"2026-06-15T22:00:00Z","account":"n","kind":"nps","score":3,"z":{}}"#;
    let other = " {\n\"score\" : 3 ,\t\"z\":{} ,\r\"kind\":\"nps\",\"account\":\"n\",\"time\":\"2026-06-15T22:00:00Z\",\"id\":\"a\" }\n";
    let (mut one, mut two) = (Decoder::default(), Decoder::default());
    let one = one.decode(Source::Feedback, 0, 0, plain.as_bytes()).unwrap();
    assert_eq!(Ok(one), two.decode(Source::Feedback, 0, 0, other.as_bytes()));
}

#[test]
fn a_record_beyond_its_limit_or_not_utf8_is_not_looked_at() {
    let mut decoder = Decoder::new(Limits { max_record_bytes: 10 });
    let found = decoder.decode(Source::Login, 0, 0, &[b' '; 11]);
    assert_eq!(found, Err(Reason::TooLarge { bytes: 11, limit: 10 }));
    assert_eq!(decoder.decode(Source::Login, 0, 0, b"{\"\xff\"}"), Err(Reason::NotUtf8 { at: 2 }));
}

#[test]
fn numbers_keep_to_the_models_rules() {
    for (text, value) in
        [("1e3", "1000"), ("-0.0000009", "0"), ("1000000000", "1000000000"), ("0.1234567", "0.123456")]
    {
        let found = decode(Source::Feedback, &format!(r#""kind":"nps","score":{text}"#)).unwrap();
        assert_eq!(found[1], (Field::Score, value.to_owned()));
    }
    let reason = Reason::Wrong {
        field: "score",
        expected: "a number within a thousand million",
        found: Excerpt::of("-1e10"),
    };
    assert_eq!(decode(Source::Feedback, r#""kind":"nps","score":-1e10"#), Err(reason));
}
