"""What `prove databases` reads out of pytest's report."""

from __future__ import annotations

from proofs.prove.databases import ANY, tallies

REPORT = """<?xml version="1.0" encoding="utf-8"?><testsuites><testsuite name="pytest">
<testcase classname="tests.contract.storage.test_users" name="test_a[asyncio-sqlite]"/>
<testcase classname="tests.contract.storage.test_users" name="test_a[asyncio-mongodb]"/>
<testcase classname="tests.contract.storage.test_users" name="test_a[asyncio-mongodb-alone]">
  <failure message="assert 1 == 2&#10;more">...</failure></testcase>
<testcase classname="tests.contract.storage.test_users" name="test_a[asyncio-postgresql-two]">
  <error message="no server">...</error></testcase>
<testcase classname="tests.contract.storage.test_mongo_units" name="test_b[replica set-1]"/>
<testcase classname="tests.contract.storage.test_mongo_units" name="test_b[alone-1]">
  <skipped message="needs Node">...</skipped></testcase>
<testcase classname="tests.contract.storage.test_postgres_server" name="test_c"/>
<testcase classname="tests.contract.storage.test_sealing" name="test_d"/>
</testsuite></testsuites>"""


def test_each_case_counts_for_the_database_that_it_is_about_and_only_what_passed_as_passed() -> None:
    found = tallies(REPORT)
    assert {name: (tally.cases, tally.passed) for name, tally in found.items()} == {
        "sqlite": (1, 1),
        "postgresql": (2, 1),
        "mongodb": (2, 2),
        "mongodb-alone": (2, 0),
        ANY: (1, 1),
    }
    assert found["mongodb-alone"].failed == [
        "tests.contract.storage.test_users::test_a[asyncio-mongodb-alone]: assert 1 == 2 more"
    ]
    assert found["mongodb-alone"].skipped == {"needs Node": 1}
    assert found["postgresql"].failed
