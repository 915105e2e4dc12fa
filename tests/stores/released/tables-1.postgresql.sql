CREATE TABLE schema_versions (
	role TEXT NOT NULL,
	version INTEGER NOT NULL,
	PRIMARY KEY (role)
);
CREATE TABLE certificates (
	id TEXT NOT NULL,
	type_id TEXT NOT NULL,
	subject TEXT NOT NULL,
	issued BIGINT NOT NULL,
	until BIGINT NOT NULL,
	stage SMALLINT NOT NULL,
	status SMALLINT NOT NULL,
	PRIMARY KEY (id)
);
CREATE INDEX ix_certificates_stage_issued ON certificates (stage, issued);
CREATE INDEX ix_certificates_status ON certificates (status);
CREATE INDEX ix_certificates_subject ON certificates (subject);
CREATE TABLE status_lists (
	number INTEGER NOT NULL,
	uri TEXT NOT NULL,
	size BIGINT NOT NULL,
	given BIGINT NOT NULL,
	PRIMARY KEY (number),
	UNIQUE (uri)
);
CREATE TABLE entries (
	list INTEGER NOT NULL,
	entry BIGINT NOT NULL,
	certificate TEXT NOT NULL,
	digest BYTEA NOT NULL,
	PRIMARY KEY (list, entry),
	FOREIGN KEY(list) REFERENCES status_lists (number),
	FOREIGN KEY(certificate) REFERENCES certificates (id)
);
CREATE INDEX ix_entries_certificate ON entries (certificate);
CREATE TABLE status_events (
	id BIGSERIAL NOT NULL,
	certificate TEXT NOT NULL,
	at BIGINT NOT NULL,
	status SMALLINT NOT NULL,
	reason TEXT NOT NULL,
	PRIMARY KEY (id),
	FOREIGN KEY(certificate) REFERENCES certificates (id)
);
CREATE INDEX ix_status_events_certificate ON status_events (certificate);
CREATE TABLE nonces (
	digest BYTEA NOT NULL,
	until BIGINT NOT NULL,
	PRIMARY KEY (digest)
);
CREATE INDEX ix_nonces_until ON nonces (until);
CREATE TABLE status_tokens (
	uri TEXT NOT NULL,
	raw TEXT NOT NULL,
	issued BIGINT NOT NULL,
	PRIMARY KEY (uri)
);
CREATE TABLE held (
	number BIGSERIAL NOT NULL,
	id TEXT NOT NULL,
	sealed BYTEA NOT NULL,
	PRIMARY KEY (number),
	UNIQUE (id)
);
CREATE TABLE history (
	number BIGSERIAL NOT NULL,
	id TEXT NOT NULL,
	sealed BYTEA NOT NULL,
	PRIMARY KEY (number),
	UNIQUE (id)
);
CREATE TABLE keys (
	tag BYTEA NOT NULL,
	sealed BYTEA NOT NULL,
	PRIMARY KEY (tag)
);
CREATE TABLE master (
	id INTEGER NOT NULL,
	record BYTEA NOT NULL,
	PRIMARY KEY (id)
);
CREATE TABLE copies (
	id TEXT NOT NULL,
	held TEXT NOT NULL,
	position INTEGER NOT NULL,
	key BYTEA NOT NULL,
	sealed BYTEA NOT NULL,
	uses INTEGER NOT NULL,
	audience BYTEA NOT NULL,
	mark BYTEA NOT NULL,
	PRIMARY KEY (id),
	UNIQUE (held, position),
	FOREIGN KEY(held) REFERENCES held (id)
);
CREATE INDEX ix_copies_key ON copies (key);
