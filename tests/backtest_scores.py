"""Works the scores of a back-test out again, from the activities and the model alone, and compares them.

    python3 backtest_scores.py MODEL.yaml ACTIVITY.jsonl SCORES.jsonl --from DAY --to DAY [--every 7] [--horizon 28]

ACTIVITY.jsonl is what goes into `vitals backtest --input`, in the order of its times; SCORES.jsonl what came out of `--scores`.
Written from crates/README.md, "The fold, exactly", and from nothing else: it shares no code with the product. It knows the
operators count, sum, mean, since_last, overdue and reached, and models whose flow collections stand on one line.

Whole numbers throughout, as in the definition: values are millionths, spans and instants milliseconds, scores hundredths.
The exact spread of an account and what a recorded run tells within `max_skew` of a cut are not known here. So each score is
worked out for both ends of both; where they differ, and they hardly ever do, the score has to be one of them.

Exit status: 0 all agree, 1 some do not (the first are printed), 2 it cannot be told.
"""

import argparse
import bisect
import datetime
import json
import sys

SECOND, MINUTE, HOUR, DAY = 1000, 60_000, 3_600_000, 86_400_000
SCALE, WHOLE, SPREAD = 1_000_000, 10_000, 15 * MINUTE
KINDS = {"login", "feature-usage", "support", "csm-activity", "feedback", "subscription", "account", "milestone", "command"}


# ---- the model: as much of YAML as such models are written in


def scalar_or_flow(text):
    value, rest = flow(text.strip())
    if rest.strip():
        raise ValueError(f"cannot read {text!r}")
    return value


def flow(text):
    """The value at the beginning of a text, and what follows it."""
    text = text.lstrip()
    if text[:1] not in ("{", "["):
        end = min((place for place in map(text.find, ",}]") if place >= 0), default=len(text))
        return text[:end].strip(), text[end:]
    is_map, text = text[0] == "{", text[1:].lstrip()
    items = {} if is_map else []
    while text[:1] not in ("}", "]"):
        if is_map:
            key, text = text.split(":", 1)
            items[key.strip()], text = flow(text)
        else:
            item, text = flow(text)
            items.append(item)
        text = text.lstrip().removeprefix(",").lstrip()
        if not text:
            raise ValueError("a flow collection does not end on its line")
    return items, text[1:]


def yaml(text):
    lines = []
    for line in text.splitlines():
        line = (" " + line).split(" #")[0][1:].rstrip()
        if line.strip():
            lines.append((len(line) - len(line.lstrip()), line.strip()))

    def block(at, indent):
        found, items = {}, []
        while at < len(lines) and lines[at][0] == indent and lines[at][1].startswith("- "):
            items.append(scalar_or_flow(lines[at][1][2:]))
            at += 1
        if items:
            return items, at
        while at < len(lines) and lines[at][0] == indent:
            key, rest = lines[at][1].split(":", 1)
            at += 1
            if rest.strip():
                found[key] = rest.strip() if key in ("statement", "play", "change_note") else scalar_or_flow(rest)
            else:
                found[key], at = block(at, lines[at][0])
        return found, at

    return block(0, 0)[0]


def quantity(text):
    """A value as models write it, scaled."""
    units = {"w": 7 * DAY, "d": DAY, "h": HOUR, "m": MINUTE, "s": SECOND}
    if text[-1] in units:
        return int(text[:-1]) * units[text[-1]]
    return decimal(text.removesuffix("%"))


def decimal(text, scale=SCALE):
    whole, _, fraction = text.lstrip("-").partition(".")
    places = len(str(scale)) - 1
    value = int(whole) * scale + int((fraction + "0" * places)[:places])
    return -value if text.startswith("-") else value


def rounded(value, part, whole):
    """value × part / whole, half up."""
    return (2 * value * part + whole) // (2 * whole)


def shares(total, weights):
    """Of a total, by the largest remainder, ties to the earlier."""
    whole = sum(weights)
    if whole == 0:
        return [0] * len(weights)
    given = [total * weight // whole for weight in weights]
    order = sorted(range(len(weights)), key=lambda i: (-(total * weights[i] % whole), i))
    for i in order[: total - sum(given)]:
        given[i] += 1
    return given


def words(value):
    return value if isinstance(value, list) else [value]


class Curve:
    def __init__(self, points):
        self.points = [(quantity(x), decimal(y, 100)) for x, y in points.items()]

    def at(self, value):
        points = self.points
        if value < points[0][0]:
            return points[0][1]
        for (low, low_points), (high, high_points) in zip(points, points[1:]):
            if value < high:
                return low_points + rounded(value - low, high_points - low_points, high - low)
        return points[-1][1]


class Model:
    def __init__(self, text):
        model = yaml(text)
        score = model["score"]
        self.change = decimal(score.get("publish_change", "1"), 100)
        none = score.get("not_scored", {})
        self.not_scored = {field: set(words(none.get(field, []))) for field in ("stage", "segment")}
        rules = model.get("sources", {})
        self.rules = {kind: rules.get(kind, {}) for kind in KINDS}
        self.signals = model["signals"]
        self.goals = [(int(goal["weight"]), list(goal["measures"].items())) for goal in model["goals"].values()]
        self.curves = {
            name: Curve(measure["curve"]) for _, measures in self.goals for name, measure in measures
        }
        self.caps = [(tests_of(cap["when"]), decimal(cap["score_at_most"], 100)) for cap in model.get("caps", [])]
        self.outcome = model["outcomes"]["bad"]
        limits = {}
        conditions = [when for when, _ in self.caps]
        for alert in model.get("alerts", {}).values():
            conditions += [tests_of(alert[key]) for key in ("when", "clears_when", "critical_when") if key in alert]
        for name, test, limit in (one for condition in conditions for one in condition):
            if name != "score":
                limits.setdefault(name, []).append((test, limit))
        whole = self.weights(lambda name: True)
        spans = sum(weight for name, weight in whole.items() if "since_last" in self.signals[name])
        self.step = max(self.change, 1) * WHOLE // max(spans, 1)
        self.marks = {
            name: self.marks_of(name, limits.get(name, [])) for name, of in self.signals.items() if "since_last" in of
        }

    def span_of(self, source, key, default):
        text = self.rules[source].get(key)
        return default if text is None else quantity(text)

    def weights(self, is_known):
        """What each measure weighs while some of them are known. Empty if nothing does."""
        counts = lambda name, m: is_known(name) and (m["kind"] != "lagging" or m.get("in_score") == "true")
        own = [[int(m["weight"]) if counts(name, m) else 0 for name, m in measures] for _, measures in self.goals]
        goals = shares(WHOLE, [weight if any(each) else 0 for (weight, _), each in zip(self.goals, own)])
        if not any(goals):
            return {}
        of_goals = zip(self.goals, goals, own)
        return {
            name: weight
            for (_, measures), goal, each in of_goals
            for (name, _), weight in zip(measures, shares(goal, each))
        }

    def marks_of(self, name, limits):
        """Curve points and even steps between them (all spans together move the score by no more than `publish_change`),
        limits, and whole days up to the last of these."""
        marks = set()
        points = self.curves[name].points if name in self.curves else []
        for (low, low_points), (high, high_points) in zip(points, points[1:]):
            count = min(max(-(-abs(high_points - low_points) // self.step), 1), 100)
            marks |= {low + (high - low) * i // count for i in range(count + 1)}
        for test, limit in limits:
            marks |= {limit, limit + 1} if test in ("at_most", "above") else {limit}
        marks = {mark for mark in marks if mark > 0}
        last = max(marks, default=DAY)
        return sorted(marks | {day * DAY for day in range(1, last // DAY + 1)})


def tests_of(condition):
    """Tests that all must hold: signal, comparison, limit."""
    return [(name, test, quantity(limit)) for name, tests in condition.items() for test, limit in tests.items()]


PASSES = {
    "below": lambda value, limit: value < limit,
    "at_most": lambda value, limit: value <= limit,
    "at_least": lambda value, limit: value >= limit,
    "above": lambda value, limit: value > limit,
}


# ---- the activities


def instant(text):
    return round(datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp() * 1000)


class Account:
    def __init__(self):
        self.told = {}  # of each source: (time, activity), in order
        self.first = None

    def before(self, source, cut):
        told = self.told.get(source, [])
        return told[: bisect.bisect_left(told, cut, key=lambda one: one[0])]


class Clock:
    """The living time of a source, as of an instant: gaps of the whole source count as `silent_at_most`."""

    def __init__(self, times, most):
        self.times, self.gaps, self.before = times, [], [0]
        for one, other in zip(times, times[1:]):
            if most is not None and other - one > most:
                self.gaps.append((one + most, other))
        self.most = most

    def living(self, to, at):
        """L(to) as of A = at, counted from the first activity on."""
        first = self.times[0]
        end = min(to, at)
        if end <= first:
            return to - first
        dead = sum(min(over, end) - begin for begin, over in self.gaps if begin < end and over <= at)
        last = self.times[bisect.bisect_right(self.times, at) - 1]
        if self.most is not None and end > last + self.most:
            dead += end - (last + self.most)
        return end - first - dead + (to - end)


class Stream:
    def __init__(self, lines):
        self.accounts, times, self.end = {}, {}, 0
        for line in lines:
            record = json.loads(line)
            source, value = record["topic"].removeprefix("vitals."), record["value"]
            time = instant(value["time"])
            account = self.accounts.setdefault(value["account"], Account())
            account.told.setdefault(source, []).append((time, value))
            account.first = time if account.first is None else min(account.first, time)
            times.setdefault(source, []).append(time)
            self.end = max(self.end, time)
        self.times = {source: sorted(of) for source, of in times.items()}


# ---- the score


class Fold:
    def __init__(self, model, stream):
        self.model, self.stream = model, stream
        most = {source: model.span_of(source, "silent_at_most", None) for source in KINDS}
        self.clocks = {source: Clock(times, most[source]) for source, times in stream.times.items()}
        self.read = {
            "count": self.window,
            "sum": self.window,
            "mean": self.window,
            "since_last": self.since_last,
            "overdue": self.milestones,
            "reached": self.milestones,
        }
        self.weights = {}

    def value(self, name, account, cut, back, spread):
        """A signal's value at a cut, seen by a source that stands `back` before cut less max delay; None if unknown."""
        of = self.model.signals[name]
        operator = next(iter(of))
        if operator not in self.read:
            sys.exit(f"signals.{name}: the operator {operator} is not known to this script")
        source = of.get("from", of[operator])
        clock = self.clocks.get(source)
        at = cut - self.model.span_of(source, "max_delay", 5 * MINUTE) - back
        if clock is None or at - spread < clock.times[0]:
            return None
        told = account.before(source, cut)
        for field, accepted in of.get("where", {}).items():
            told = [one for one in told if one[1].get(field) in words(accepted)]
        return self.read[operator](name, of, operator, told, source, clock, at, spread)

    def window(self, name, of, operator, told, source, clock, at, spread):
        half_life = of.get("half_life")
        half_life = half_life and quantity(half_life) // DAY
        over = quantity(of["over"]) if "over" in of else min(8 * half_life, 400) * DAY
        width = DAY if over >= 3 * DAY else HOUR
        delay = self.model.span_of(source, "max_delay", 5 * MINUTE)
        skew = self.model.span_of(source, "max_skew", MINUTE)
        days = {}
        for time, activity in told:
            begin = time // width * width
            end = begin + width
            since = clock.living(at, at) - clock.living(end, at) if end <= at else at - end
            if at + delay + skew >= begin and since + delay < over - width + spread:
                value = SCALE if operator == "count" else activity.get(of[operator])
                if value is not None:
                    value = value if operator == "count" else decimal(str(value))
                    days.setdefault(begin // width, []).append(value)
        number = sum(len(values) for values in days.values())
        if number < int(of.get("min_base", 0)) or (operator == "mean" and number == 0):
            return None
        if operator != "mean":
            return sum(sum(values) for values in days.values())
        newest, whole, weight = max(days), 0, 0
        for day, values in days.items():
            each = self.weight(newest - day, half_life) if half_life else 1
            whole, weight = whole + each * sum(values), weight + each * len(values)
        return rounded(whole, 1, weight)

    def weight(self, age, half_life):
        return round(2**32 * 2 ** (-(age % half_life) / half_life)) >> (age // half_life)

    def since_last(self, name, of, operator, told, source, clock, at, spread):
        if not told:
            return None
        last = max(time for time, _ in told)
        if last > at:
            return 0
        marks = self.model.marks[name]
        place = bisect.bisect_right(marks, clock.living(at, at) - clock.living(last, at))
        return marks[place - 1] if place else 0

    def milestones(self, name, of, operator, told, source, clock, at, spread):
        due, reached = {}, set()
        for _, activity in told:
            kind, milestone = activity["kind"], activity["milestone"]
            if kind == "planned":
                due[milestone] = instant(activity["due_at"]) if "due_at" in activity else at + 1
            elif kind == "dropped":
                due.pop(milestone, None)
            elif kind in ("reached", "verified"):
                reached.add(milestone)
        if not due:
            return None
        if operator == "reached":
            return rounded(100 * SCALE, len(due.keys() & reached), len(due))
        return SCALE * sum(1 for milestone, by in due.items() if by <= at and milestone not in reached)

    def score(self, account, cut, back, spread):
        """Hundredths of a point, or None."""
        for field, none in self.model.not_scored.items():
            told = [activity[field] for _, activity in account.before("account", cut) if field in activity]
            if told and told[-1] in none:
                return None
        values = {name: self.value(name, account, cut, back, spread) for name in self.model.signals}

        weights = self.model.weights(lambda name: values[name] is not None)
        if not weights:
            return None
        raw = sum(
            rounded(self.model.curves[name].at(values[name]), weight, WHOLE)
            for name, weight in weights.items()
            if values[name] is not None
        )
        holds = lambda when: all(values[n] is not None and PASSES[t](values[n], limit) for n, t, limit in when)
        return min([raw] + [most for when, most in self.model.caps if holds(when)])

    def scores(self, account, cut):
        """All that it may be, as far as is known here."""
        ends = [(0, 1), (MINUTE, SPREAD - 1)]
        found = {self.score(account, cut, *end) for end in ends}
        if len(found) > 1:
            found |= {self.score(account, cut, *end) for end in [(0, SPREAD - 1), (MINUTE, 1)]}
        return found


def has_ended(account, cut):
    """Whether all subscriptions that were told of have ended, or the account is closed."""
    newest = {}
    for _, activity in account.before("subscription", cut):
        newest[activity.get("subscription")] = activity["kind"] == "ended"
    states = [activity.get("state") for _, activity in account.before("account", cut)]
    return (bool(newest) and all(newest.values())) or states[-1:] == ["closed"]


def fate(model, stream, account, cut, horizon):
    if cut + horizon > stream.end + MINUTE:
        return "censored"
    for source, tests in model.outcome.items():
        for time, activity in account.told.get(source, []):
            passes = all(activity.get(field) in words(accepted) for field, accepted in tests.items())
            if passes and cut <= time < cut + horizon:
                return "outcome"
    return "none"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("model")
    parser.add_argument("activity")
    parser.add_argument("scores")
    parser.add_argument("--from", dest="first", required=True)
    parser.add_argument("--to", dest="last", required=True)
    parser.add_argument("--every", type=int, default=7)
    parser.add_argument("--horizon", type=int, default=28)
    asked = parser.parse_args()
    with open(asked.model, encoding="utf-8") as file:
        model = Model(file.read())
    with open(asked.activity, encoding="utf-8") as file:
        stream = Stream(file)
    with open(asked.scores, encoding="utf-8") as file:
        lines = [json.loads(line) for line in file]
    given = {(line["account"], instant(line["cut"])): (round(line["score"] * 100), line["fate"]) for line in lines}
    if len(given) < len(lines):
        sys.exit("an account has two scores at one cut")
    fold, wrong, unsure = Fold(model, stream), [], 0
    first, last = instant(asked.first + "T00:00:00Z"), instant(asked.last + "T00:00:00Z")
    for cut in range(first, last + 1, asked.every * DAY):
        for name, account in stream.accounts.items():
            if account.first >= cut:
                found = {None}
            else:
                found = {None} if has_ended(account, cut) else fold.scores(account, cut)
            unsure += len(found) > 1
            score, end = given.pop((name, cut), (None, None))
            should = None if score is None else fate(model, stream, account, cut, asked.horizon * DAY)
            if score not in found or end != should:
                wrong.append(f"{name} at {cut}: {score} and {end}, but it should be {found} and {should}")
    wrong += [f"{name} at {cut}: {value}, but it should not be there" for (name, cut), value in given.items()]
    for line in wrong[:20]:
        print(line)
    print(f"{len(lines)} scores, {len(wrong)} differ, {unsure} depend on what is not known here")
    # What cannot be told apart is a handful; were it more, nothing would be compared.
    return 1 if wrong or not lines or unsure > len(lines) // 1000 else 0


if __name__ == "__main__":
    sys.exit(main())
