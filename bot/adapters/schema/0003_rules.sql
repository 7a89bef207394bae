-- What the moderators of a server have set: each change is a row, the newest holds.

CREATE TABLE rules (
    scope TEXT NOT NULL, -- guild:<id>
    version INTEGER NOT NULL CHECK (version > 0),
    rules_json TEXT NOT NULL CHECK (json_valid(rules_json)),
    changed_by INTEGER NOT NULL, -- member id
    changed_at REAL NOT NULL, -- unix seconds, like every _at
    PRIMARY KEY (scope, version)
) STRICT, WITHOUT ROWID;
