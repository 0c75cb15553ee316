//! Names: of accounts, people, CSMs, regions, features. All invented, all plain tables.

use crate::random::index;

const FIRST_WORDS: [&str; 48] = [
    "Alder",
    "Amber",
    "Aspen",
    "Atlas",
    "Beacon",
    "Birch",
    "Bluewater",
    "Brightfield",
    "Cedar",
    "Clearview",
    "Cobalt",
    "Copper",
    "Crestline",
    "Delta",
    "Eastgate",
    "Elm",
    "Evergreen",
    "Fairway",
    "Falcon",
    "Granite",
    "Greenleaf",
    "Harbor",
    "Hazel",
    "Highland",
    "Ironbridge",
    "Juniper",
    "Kestrel",
    "Lakeside",
    "Larch",
    "Lighthouse",
    "Maple",
    "Meridian",
    "Northstar",
    "Oakridge",
    "Orchard",
    "Pioneer",
    "Quarry",
    "Redwood",
    "Riverbend",
    "Rowan",
    "Sable",
    "Silverlake",
    "Summit",
    "Tamarack",
    "Tidewater",
    "Upland",
    "Willow",
    "Zephyr",
];
const SECOND_WORDS: [&str; 35] = [
    "Analytics",
    "Apparel",
    "Bank",
    "Biotech",
    "Books",
    "Brewing",
    "Capital",
    "Clinics",
    "Coffee",
    "Construction",
    "Dairy",
    "Electric",
    "Farms",
    "Foods",
    "Freight",
    "Furniture",
    "Games",
    "Health",
    "Hotels",
    "Insurance",
    "Interiors",
    "Labs",
    "Legal",
    "Logistics",
    "Media",
    "Mobility",
    "Outfitters",
    "Pharma",
    "Press",
    "Retail",
    "Robotics",
    "Schools",
    "Steel",
    "Travel",
    "Utilities",
];
const GIVEN: [&str; 32] = [
    "ada", "amir", "anna", "ben", "chen", "clara", "david", "elena", "emma", "felix", "grace", "hana",
    "hugo", "ines", "ivan", "jana", "jonas", "kemal", "lea", "liam", "luis", "maria", "mei", "nina", "noah",
    "olga", "omar", "paul", "priya", "rosa", "sam", "tara",
];
const FAMILY: [&str; 25] = [
    "adler", "berg", "costa", "diaz", "evans", "fischer", "garcia", "haas", "ito", "jensen", "kim", "larsen",
    "mbeki", "novak", "okoye", "patel", "quinn", "rossi", "sato", "tran", "urban", "vega", "weber", "yilmaz",
    "zhang",
];

/// What people do in the product, the everyday first.
pub(crate) const FEATURES: [&str; 12] = [
    "dashboard",
    "report",
    "search",
    "share",
    "export",
    "import",
    "comment",
    "automation",
    "integration",
    "forecast",
    "approval",
    "api",
];
pub(crate) const INDUSTRIES: [&str; 6] =
    ["manufacturing", "retail", "finance", "healthcare", "media", "education"];
pub(crate) const ROLES: [&str; 4] = ["champion", "admin", "sponsor", "user"];

/// Where an account lives. Its working hours follow a fixed offset from UTC; summer time is left out.
#[derive(Debug)]
pub(crate) struct Region {
    pub(crate) name: &'static str,
    pub(crate) team: &'static str,
    pub(crate) zone: &'static str,
    pub(crate) utc_offset_hours: i64,
    pub(crate) currency: &'static str,
    pub(crate) csms: [&'static str; 3],
}

pub(crate) const REGIONS: [Region; 5] = [
    Region {
        name: "emea",
        team: "emea-1",
        zone: "Europe/Berlin",
        utc_offset_hours: 1,
        currency: "EUR",
        csms: ["amara.okafor@acme.example", "jan.devries@acme.example", "sofia.marino@acme.example"],
    },
    Region {
        name: "emea",
        team: "emea-2",
        zone: "Europe/London",
        utc_offset_hours: 0,
        currency: "GBP",
        csms: ["harriet.cole@acme.example", "tomasz.lis@acme.example", "yusuf.demir@acme.example"],
    },
    Region {
        name: "amer",
        team: "amer-1",
        zone: "America/New_York",
        utc_offset_hours: -5,
        currency: "USD",
        csms: ["dana.whitfield@acme.example", "marcus.lee@acme.example", "renee.baptiste@acme.example"],
    },
    Region {
        name: "amer",
        team: "amer-2",
        zone: "America/Los_Angeles",
        utc_offset_hours: -8,
        currency: "USD",
        csms: ["carlos.ibarra@acme.example", "joy.nakamura@acme.example", "peter.strand@acme.example"],
    },
    Region {
        name: "apac",
        team: "apac-1",
        zone: "Asia/Singapore",
        utc_offset_hours: 8,
        currency: "USD",
        csms: ["aiko.mori@acme.example", "ravi.menon@acme.example", "wei.lim@acme.example"],
    },
];

/// The name of an account. No two accounts share one: the walk meets every pair of words once a round, and
/// a later round bears its number.
pub(crate) fn company(index_of_account: u64) -> String {
    const PAIRS: u64 = 48 * 35;
    // The step has no factor in common with the number of pairs.
    let pair = index_of_account % PAIRS * 1009 % PAIRS;
    let first = FIRST_WORDS[index(pair / 35, FIRST_WORDS.len())];
    let second = SECOND_WORDS[index(pair % 35, SECOND_WORDS.len())];
    match index_of_account / PAIRS {
        0 => format!("{first} {second}"),
        round => format!("{first} {second} {}", round + 1),
    }
}

/// The id that belongs to a name.
pub(crate) fn slug(name: &str) -> String {
    name.to_ascii_lowercase().replace(' ', "-")
}

/// A user of an account: unlike any other user of it, up to 800 of them.
pub(crate) fn user(index_of_account: u64, account: &str, number: u64) -> String {
    let person = (index_of_account * 57 + number * 33) % 800;
    let given = GIVEN[index(person % 32, GIVEN.len())];
    let family = FAMILY[index(person / 32, FAMILY.len())];
    format!("{given}.{family}@{account}.example")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{company, slug, user};

    #[test]
    fn no_two_accounts_share_a_name() {
        let names: BTreeSet<String> = (0..4000).map(|index| slug(&company(index))).collect();
        assert_eq!(names.len(), 4000);
    }

    #[test]
    fn no_two_users_of_an_account_share_a_name() {
        let names: BTreeSet<String> = (0..800).map(|number| user(3, "alder-bank", number)).collect();
        assert_eq!(names.len(), 800);
    }
}
