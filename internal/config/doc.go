// Package config turns a file, a .env file, the environment and flags into one checked [Config].
//
// The struct is the contract. Its tags say what each key means and what it accepts, and everything else follows from
// them: names of environment variables, the commented example, the JSON Schema, docs/configuration.md. So a new key is
// one field, in the file of its section, and one line in [Default].
//
// Start with config.go, then load.go. Each source is read into settings (file.go, dotenv.go, environ.go, dropin.go), a
// setting being the text of one key and where it stands; decode.go lays them over the defaults, weakest source first;
// validate.go looks at the whole. Nothing stops at the first problem: [Load] returns [Problems], all of them, each with
// file, line and key, or the name of the variable.
//
// No value of a secret and no e-mail address ever stands in a problem, a warning or the printed configuration.
//
// The composition root and the command line import it; it imports vehicle and internal/redact.
package config
