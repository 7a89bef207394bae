-- Where else a job's images stand: brought back by /history or Undo, or compared with its parent's.

CREATE TABLE copies (
    job_id TEXT NOT NULL REFERENCES jobs (id),
    channel_id INTEGER NOT NULL,
    message_id INTEGER NOT NULL,
    PRIMARY KEY (job_id, message_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX copies_by_message ON copies (message_id);
