"""Unit tests: `python -m unittest`."""

import json
import unittest

from app import GREETING, answer


class Answers(unittest.TestCase):
    """What the application answers."""

    def test_the_page_asks_the_api(self) -> None:
        status, _, body = answer("/")
        self.assertEqual(status, 200)
        self.assertIn('fetch("api/greeting")', body)

    def test_the_api_has_a_greeting(self) -> None:
        status, media_type, body = answer("/api/greeting")
        self.assertEqual((status, media_type, json.loads(body)), (200, "application/json", {"greeting": GREETING}))
        self.assertTrue(GREETING.strip())

    def test_other_paths_are_not_found(self) -> None:
        self.assertEqual(answer("/secret")[0], 404)
