//! Vectors that stay close to their content: there is one of each for every account.

/// Makes room for one more without doubling: an eighth more, at least two.
pub(crate) fn make_room<T>(vec: &mut Vec<T>) {
    if vec.len() == vec.capacity() {
        vec.reserve_exact((vec.len() / 8).max(2));
    }
}

/// Gives back what a vector no longer needs, once that is more than half.
pub(crate) fn give_back<T>(vec: &mut Vec<T>) {
    if vec.capacity() > 8 && vec.len() < vec.capacity() / 2 {
        vec.shrink_to(vec.len() + 2);
    }
}
