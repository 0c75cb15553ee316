use super::*;
use proptest::prelude::*;
use std::collections::BTreeSet;

#[derive(Clone, Debug)]
enum Step {
    Join(u8),
    Leave(u8),
    Release(u8),
    Grow,
}

fn step() -> impl Strategy<Value = Step> {
    let member = 0..4u8;
    prop_oneof![
        3 => member.clone().prop_map(Step::Join),
        1 => member.clone().prop_map(Step::Leave),
        4 => member.prop_map(Step::Release),
        1 => Just(Step::Grow),
    ]
}

/// A group, and what its members were told.
#[derive(Default)]
struct World {
    group: Group,
    count: u32,
    ids: BTreeMap<u8, String>,
    told: BTreeMap<String, BTreeSet<Partition>>,
    leaving: BTreeMap<String, Vec<Partition>>,
}

impl World {
    fn rebalance(&mut self) {
        let count = self.count;
        self.group.rebalance(|_| count);
        for id in self.ids.values() {
            while let Some(event) = self.group.take_event(id) {
                match event {
                    Event::Assigned(partitions) => {
                        self.told.entry(id.clone()).or_default().extend(partitions)
                    }
                    Event::Revoked(partitions) => {
                        self.leaving.entry(id.clone()).or_default().extend(partitions.clone())
                    }
                    Event::Idle | Event::Records | Event::End { .. } | Event::Lost(_) => panic!("{event:?}"),
                }
            }
        }
    }

    fn take(&mut self, step: &Step) {
        match step {
            Step::Join(member) => {
                if let Some(old) = self.ids.remove(member) {
                    self.told.remove(&old);
                    self.leaving.remove(&old);
                }
                let id = self.group.join(&member.to_string(), &["t".into()]);
                self.ids.insert(*member, id);
            }
            Step::Leave(member) => {
                let Some(id) = self.ids.remove(member) else { return };
                assert!(self.group.unseat(&id));
                self.told.remove(&id);
                self.leaving.remove(&id);
            }
            Step::Release(member) => {
                let Some(id) = self.ids.get(member) else { return };
                let leaving = self.leaving.remove(id).unwrap_or_default();
                if leaving.is_empty() {
                    return;
                }
                assert_eq!(self.group.release(id, &leaving), leaving);
                self.told.get_mut(id).unwrap().retain(|partition| !leaving.contains(partition));
            }
            Step::Grow => self.count += 1,
        }
        self.rebalance();
    }
}

proptest! {
    #[test]
    fn no_partition_has_two_owners_and_all_are_shared_evenly_in_the_end(steps in proptest::collection::vec(step(), 1..40)) {
        let mut world = World { count: 5, ..World::default() };
        for step in &steps {
            world.take(step);
            let mut seen = BTreeSet::new();
            for (id, owned) in &world.told {
                for partition in owned {
                    prop_assert!(seen.insert(partition.clone()), "{} has two owners", partition);
                    prop_assert_eq!(world.group.owner(partition), Some(id.as_str()));
                }
            }
        }
        for _ in 0..20 {
            (0..4).for_each(|member| world.take(&Step::Release(member)));
        }
        let shares: Vec<usize> =
            world.ids.values().map(|id| world.told.get(id).map_or(0, BTreeSet::len)).collect();
        if let (Some(most), Some(least)) = (shares.iter().max(), shares.iter().min()) {
            prop_assert!(most - least <= 1, "{:?}", shares);
            prop_assert_eq!(shares.iter().sum::<usize>(), world.count as usize);
        }
    }
}

#[test]
fn a_member_that_joins_disturbs_no_more_than_it_must() {
    let mut world = World { count: 6, ..World::default() };
    for member in 0..2 {
        world.take(&Step::Join(member));
        (0..4).for_each(|member| world.take(&Step::Release(member)));
    }
    let before = world.told.clone();
    world.take(&Step::Join(2));
    let moving: usize = world.leaving.values().map(Vec::len).sum();
    assert_eq!(moving, 2);
    (0..4).for_each(|member| world.take(&Step::Release(member)));
    for (id, owned) in before {
        assert!(world.told[&id].is_subset(&owned), "{id} got another partition");
    }
}
