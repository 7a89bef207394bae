-- Moderation: word rules, blocked people and strikes, approvals, grants.

-- What prompts must not say. A rule that was taken away stays as history; each change is a version.
CREATE TABLE words (
    scope TEXT NOT NULL, -- guild:<id>
    number INTEGER NOT NULL CHECK (number > 0), -- counted in its scope, never given twice
    kind TEXT NOT NULL CHECK (kind IN ('words', 'pattern')),
    text TEXT NOT NULL CHECK (length(text) BETWEEN 1 AND 200),
    added INTEGER NOT NULL, -- the version that added it
    removed INTEGER CHECK (removed > added), -- the version that took it away; NULL while it holds
    PRIMARY KEY (scope, number),
    FOREIGN KEY (scope, added) REFERENCES word_changes (scope, version),
    FOREIGN KEY (scope, removed) REFERENCES word_changes (scope, version)
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX words_that_hold ON words (scope, kind, text) WHERE removed IS NULL;
CREATE INDEX words_added ON words (scope, added);
CREATE INDEX words_removed ON words (scope, removed) WHERE removed IS NOT NULL;

CREATE TABLE word_changes (
    scope TEXT NOT NULL,
    version INTEGER NOT NULL CHECK (version > 0),
    changed_by INTEGER NOT NULL, -- member id
    changed_at REAL NOT NULL, -- unix seconds, like every _at
    PRIMARY KEY (scope, version)
) STRICT, WITHOUT ROWID;
