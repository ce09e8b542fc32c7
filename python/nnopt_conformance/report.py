"""What a run found, for people and for tools/lib/summary.py.

SPDX-License-Identifier: Apache-2.0
"""

from collections import Counter, defaultdict

KINDS = ("passed", "unsupported", "wrong", "crashed")


def totals(results):
    counts = Counter(verdict.kind for _, verdict in results)
    return {kind: counts[kind] for kind in KINDS}


def as_json(results):
    """The report that --json writes."""
    categories = {}
    for category in dict.fromkeys(case.category for case, _ in results):
        categories[category] = totals([r for r in results if r[0].category == category])
    failures = [f"{case.name}: {v.kind}: {v.reason}" for case, v in results if v.kind in ("wrong", "crashed")]
    cases = [{"name": c.name, "category": c.category, "kind": v.kind, "reason": v.reason, "ops": v.ops} for c, v in results]
    constants = sum(v.passes_with_constants for _, v in results)
    return {**totals(results), "passed_with_constants": constants, "failures": failures, "categories": categories, "cases": cases}


def unsupported_by_op(results):
    """Pairs (op, {reason: number of cases}), the op with most cases first. The op is the one that the reason names."""
    table = defaultdict(Counter)
    for _, verdict in results:
        if verdict.kind == "unsupported":
            named = [op for op in verdict.ops if op in verdict.reason]
            table[max(named, key=len) if named else "+".join(verdict.ops)][verdict.reason] += 1
    return sorted(table.items(), key=lambda row: (-sum(row[1].values()), row[0]))


def as_text(results):
    """The report that is printed."""
    report = as_json(results)
    lines = []
    unsupported = unsupported_by_op(results)
    if unsupported:
        lines.append("unsupported, by operator:")
        for op, reasons in unsupported:
            lines.append(f"  {sum(reasons.values()):4} {op}")
            lines += [f"         {count:3} x {reason}" for reason, count in reasons.most_common(3)]
            if len(reasons) > 3:
                lines.append(f"         and {len(reasons) - 3} more reasons")
    lines += [f"failed: {failure}" for failure in report["failures"]]
    lines.append(f"{'category':18}" + "".join(f"{kind:>13}" for kind in KINDS))
    for category, counts in [*report["categories"].items(), ("all", report)]:
        lines.append(f"{category:18}" + "".join(f"{counts[kind]:13}" for kind in KINDS))
    if report["passed_with_constants"]:
        lines.append(f"{report['passed_with_constants']} of the unsupported cases pass when their shapes, axes and the like are constants")
    return "\n".join(lines)
