"""The words of prompts: found quickly among many, and nobody else's."""

import json
import time
from contextlib import closing
from pathlib import Path
import sqlite3

from doubles import Books, HandClock, a_job, an_order, open_books

from bot.adapters.sealing import Seal
from bot.adapters.sqlite_connection import Database
from bot.adapters.sqlite_history import SqliteHistory
from cogs.history import kept, page_of, read_page
