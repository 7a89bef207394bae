-- Moderation: word rules, blocked people and strikes, grants.

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

-- What moderators did about a member. Append-only: what holds is read from the newest rows.
CREATE TABLE member_acts (
    id INTEGER PRIMARY KEY,
    scope TEXT NOT NULL, -- guild:<id>
    member_id INTEGER NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('block', 'unblock', 'strike', 'grant')),
    reason TEXT NOT NULL CHECK (length(reason) <= 200),
    done_by INTEGER NOT NULL, -- member id
    done_at REAL NOT NULL, -- unix seconds
    until REAL CHECK (until IS NULL OR kind = 'block'), -- unix seconds; NULL: until somebody ends it
    day TEXT CHECK ((day IS NOT NULL) = (kind = 'grant')), -- the UTC day a grant is for
    credits INTEGER CHECK ((credits > 0) = (kind = 'grant'))
) STRICT;

CREATE INDEX member_acts_of_member ON member_acts (scope, member_id, id);
CREATE INDEX member_acts_of_person ON member_acts (member_id);
CREATE INDEX member_acts_done ON member_acts (done_by);
CREATE INDEX member_grants ON member_acts (scope, member_id, day) WHERE kind = 'grant';
