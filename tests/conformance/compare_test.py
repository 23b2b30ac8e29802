"""The comparison notices what it is there to notice. Needs nothing but Python."""

import copy
import unittest

import compare


def span(**attributes):
    fields = {"name": "a", "kind": "internal", "parent": "none"}
    return {"fields": fields, "attributes": attributes, "events": [], "links": []}


def recording():
    return {
        "requests": {"POST /x": [{"headers": {"host": "<host>"}, "body": {"n": 1, "list": [1, 2]}}]},
        "resource": {"attributes": {"service.name": ["string", "a"]}, "schema URL": ""},
        "scope": {"name": "judgeval", "version": "", "attributes": {}, "schema URL": ""},
        "spans": {"a": [span(n=["int", 0]), span(n=["int", 1], json=["string", '{"a":1,"b":[]}'])]},
    }


class Differences(unittest.TestCase):
    def expect(self, change, *expected):
        here = recording()
        change(here)
        self.assertEqual(compare.differences("python", recording(), here), [f"python: {line}" for line in expected])

    def last(self, here):
        return here["spans"]["a"][-1]

    def test_the_same_recording_has_none(self):
        self.expect(lambda here: None)

    def test_spans(self):
        self.expect(lambda here: here["spans"].pop("a"), "span a: only there")
        self.expect(lambda here: here["spans"].update(b=[span()]), "span b: only here")
        self.expect(lambda here: here["spans"]["a"].pop(0), "span a: emissions: there 2, here 1")
        self.expect(
            lambda here: self.last(here)["fields"].update(parent="<span b>"),
            'span a: parent: there "none", here "<span b>"',
        )
        self.expect(
            lambda here: self.last(here)["events"].append({"name": "e", "attributes": {}}),
            'span a: events: there [], here ["e"]',
        )

    def test_values_and_types_of_attributes(self):
        attributes = lambda here: self.last(here)["attributes"]
        self.expect(
            lambda here: attributes(here).update(n=["double", 1.0]), "span a: attribute n: there int 1, here double 1.0"
        )
        self.expect(
            lambda here: attributes(here).update(n=["bool", True]), "span a: attribute n: there int 1, here bool true"
        )
        self.expect(lambda here: attributes(here).pop("n"), "span a: attribute n: only there, int 1")
        self.expect(
            lambda here: attributes(here).update(json=["string", '{"a":1.0,"b":[]}']),
            "span a: attribute json.a: there 1, here 1.0",
        )
        self.expect(
            lambda here: attributes(here).update(json=["string", '{"b":[],"a":1}']),
            "span a: attribute json: the same JSON in another order or spacing",
        )

    def test_earlier_emissions(self):
        self.expect(
            lambda here: here["spans"]["a"][0]["attributes"].update(m=["int", 2]),
            "span a, emission 0: attribute m: only here, int 2",
        )

        def both(here):
            for emission in here["spans"]["a"]:
                emission["attributes"]["m"] = ["int", 2]

        self.expect(both, "span a: attribute m: only here, int 2")

    def test_requests_resource_and_scope(self):
        request = lambda here: here["requests"]["POST /x"]
        self.expect(lambda here: here["requests"].clear(), "request POST /x: only there")
        self.expect(
            lambda here: request(here).append(copy.deepcopy(request(here)[0])),
            "request POST /x: sent 1 times there, 2 times here",
        )
        self.expect(
            lambda here: request(here)[0]["headers"].update(accept="*/*"),
            'request POST /x: header accept: only here, "*/*"',
        )
        self.expect(
            lambda here: request(here)[0].update(body={"n": 1, "list": [1, 3]}),
            "request POST /x: body.list[1]: there 2, here 3",
        )
        self.expect(
            lambda here: here["resource"]["attributes"].update({"service.name": ["string", "b"]}),
            'resource: attribute service.name: there string "a", here string "b"',
        )
        self.expect(lambda here: here["scope"].update(version="1"), 'scope: version: there "", here "1"')


class Judgement(unittest.TestCase):
    DOCUMENT = """
Some text with `python: no pattern` in it.

| difference | reason |
| --- | --- |
| `python: span *: flags: there "0x100", here "0x101"` | one |
| `*: span b: only here`, `npm: span c: only there` | another |
"""

    def judge(self, *found):
        return compare.judge(list(found), compare.listed(self.DOCUMENT, "python"))

    def test_what_is_listed_passes(self):
        self.assertEqual(
            self.judge('python: span a/x: flags: there "0x100", here "0x101"', "python: span b: only here"), []
        )

    def test_what_is_not_listed_fails(self):
        wrong = self.judge(
            'python: span a: flags: there "0x100", here "0x101"', "python: span b: only here", "python: span c: only there"
        )
        self.assertEqual(wrong, ["not listed: python: span c: only there"])

    def test_what_is_listed_and_does_not_occur_fails(self):
        wrong = self.judge('python: span a: flags: there "0x100", here "0x101"')
        self.assertEqual(wrong, ["listed, and does not occur: *: span b: only here"])

    def test_a_pattern_without_an_sdk_is_refused(self):
        with self.assertRaises(AssertionError):
            compare.listed("| `span a: only here` | why |  |".replace("|  |", "|"), "python")


if __name__ == "__main__":
    unittest.main()
