"""Products that go while ``shelfmate evaluate`` is at it."""

from pathlib import Path

from evaluate_fixtures import events, insert_events, planted_shop

from backend.evaluation.evaluate import Options, evaluate


def test_products_that_go_meanwhile_have_no_answer(server_dsn: str, template: str, tmp_path: Path) -> None:
    with planted_shop(server_dsn, template, tmp_path) as (database, _settings):
        insert_events(database, events())
        gone = 0

        def report(line: str) -> None:
            nonlocal gone
            if not gone and line.startswith("article type, hard titles: asking default"):
                with database.write() as connection:
                    gone = connection.execute(
                        "DELETE FROM products WHERE id IN (SELECT id FROM products ORDER BY id DESC LIMIT 10)"
                    ).rowcount

        found = evaluate(database, Options(questions=200), report)
    assert gone == 10
    (hard,) = [one for one in found.sets if one.name == "article type, hard titles"]
    (asked,) = [one for one in hard.contestants if one.contestant == "default"]
    assert 0 < asked.answered < hard.questions
