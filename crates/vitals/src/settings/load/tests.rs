use super::*;
use log::embedded::Durability;
use std::collections::BTreeSet;

fn with(file: &str, environment: &[(&str, &str)], flags: &[(&str, &str)]) -> Result<Settings, Problems> {
    let path = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(path.path(), file).unwrap();
    let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    load(&Places {
        file: Some(path.path().to_owned()),
        environment: environment.iter().map(owned).collect(),
        flags: flags.iter().map(owned).map(|(key, value)| (key, value, "--set".to_owned())).collect(),
    })
}

fn problems(file: &str, environment: &[(&str, &str)]) -> Vec<String> {
    let problems = with(file, environment, &[]).unwrap_err().0;
    problems
        .into_iter()
        .map(|problem| {
            let value = problem.value.map_or_else(String::new, |value| format!(" = {value}"));
            format!("{}{value}: {}; {}", problem.key, problem.rule, problem.fix)
        })
        .collect()
}

#[test]
fn a_later_place_wins() {
    let file = "instance = 'a'\n[log]\ndir = 'x'\ndurability = 'buffered'\n[topics]\npartitions = 3\n";
    let environment = [("VITALS_LOG_DIR", "y"), ("VITALS_TOPICS_PARTITIONS", "5"), ("HOME", "/")];
    let settings = with(file, &environment, &[("log.dir", "z")]).unwrap();
    assert_eq!(settings.instance, "a");
    assert_eq!(settings.log.dir, PathBuf::from("z"));
    assert_eq!(settings.log.durability, Durability::Buffered);
    assert_eq!(settings.topics.partitions, 5);
    assert_eq!(settings.topics.source_partitions, Settings::default().topics.source_partitions);
}

#[test]
fn all_problems_are_told_at_once_each_with_key_value_rule_and_fix() {
    let file = "instanc = 'a'\n[log]\ndurability = 'sync'\n[topics]\npartitions = 0\nsource_partitions = '4'\n\
                [admin]\nlisten = 'localhost'\n[score]\ncommit_least_ms = 200\n[extra]\na = 1\n";
    let environment = [("VITALS_LOG_DIRR", "y"), ("VITALS_INGEST_STOP_IN_A_ROW", "many")];
    assert_eq!(
        problems(file, &environment),
        [
            "admin.listen = \"localhost\": must be an IP address and a port; write it like \"127.0.0.1:9464\"",
            "extra: is not a key; `vitals config show` lists all keys",
            "instanc: is not a key; did you mean `instance`?",
            "log.durability = \"sync\": must be one of synced, buffered; write \"synced\"",
            "topics.partitions = 0: must be a whole number from 1 to 1024; the nearest is 1",
            "topics.source_partitions = \"4\": must be a whole number from 1 to 1024; write digits, without quotes or a unit",
            "VITALS_LOG_DIRR: is not a variable of vitals; did you mean `VITALS_LOG_DIR`?",
            "ingest.stop_in_a_row = \"many\": must be a whole number from 1 to 1099511627776; write digits, without quotes or a unit",
            "score.commit_least_ms = 200: must not be above score.commit_most_ms = 100; lower it",
        ]
    );
}

#[test]
fn a_file_that_is_not_toml_or_not_there_is_told_with_its_place() {
    let broken = with("instance = 'a'\nlog = {", &[], &[]).unwrap_err();
    assert!(broken.0[0].place.contains(":2:"), "{broken}");
    let missing =
        load(&Places { file: Some("/nowhere/vitals.toml".into()), ..Places::default() }).unwrap_err();
    assert!(missing.to_string().contains("/nowhere/vitals.toml"), "{missing}");
}

#[test]
fn a_secret_is_neither_shown_nor_quoted() {
    let told = problems("[admin]\ntoken = 5\n", &[]);
    assert_eq!(told, ["admin.token: must be a text; put it in quotes"]);
    let settings = with("[admin]\ntoken = 's3cret'\n", &[], &[]).unwrap();
    assert_eq!(settings.admin.token.reveal(), "s3cret");
    let key = KEYS.iter().find(|key| key.name == "admin.token").unwrap();
    assert_eq!((key.show)(&settings).as_str(), Some("(hidden)"));
    assert!(!format!("{settings:?}").contains("s3cret"));
}

#[test]
fn what_every_key_shows_is_read_back_as_the_same() {
    let settings = Settings::default();
    for key in KEYS.iter().filter(|key| key.secrecy == Secrecy::Public) {
        let mut other = settings.clone();
        (key.read)(&mut other, &Input::Typed((key.show)(&settings))).unwrap_or_else(|wrong| {
            panic!("{}: {}", key.name, wrong.rule);
        });
        assert_eq!(other, settings, "{}", key.name);
    }
}

#[test]
fn no_two_keys_share_a_name_or_a_variable() {
    let names: BTreeSet<&str> = KEYS.iter().map(|key| key.name).collect();
    let variables: BTreeSet<String> = KEYS.iter().map(Key::variable).collect();
    assert_eq!((names.len(), variables.len()), (KEYS.len(), KEYS.len()));
}

#[test]
fn what_kubernetes_sets_for_a_service_named_like_us_is_passed_over_and_nothing_else_is() {
    let links = [
        ("VITALS_SERVICE_HOST", "10.0.0.11"),
        ("VITALS_SERVICE_PORT_METRICS", "9090"),
        ("VITALS_PORT", "tcp://10.0.0.11:9090"),
        ("VITALS_PORT_9090_TCP_ADDR", "10.0.0.11"),
        ("VITALS_INGEST_PORT_9090_TCP", "tcp://10.0.0.11:9090"),
    ];
    with("", &links, &[]).unwrap();
    assert_eq!(problems("", &[("VITALS_ADMIN_PORT", "9090"), ("VITALS_PORT_NAME", "x")]).len(), 2);
}
