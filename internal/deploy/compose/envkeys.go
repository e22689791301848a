package compose

import (
	"os"

	"github.com/compose-spec/compose-go/v2/dotenv"
)

// envKeys lists the keys that an env_file sets. A file that cannot be parsed
// sets none: the loader says what is wrong with it.
func envKeys(path, format string) []string {
	f, err := os.Open(path)
	if err != nil {
		return nil
	}
	defer f.Close()
	vars := map[string]string{}
	if err := dotenv.ParseWithFormat(f, path, vars, func(string) (string, bool) { return "", false }, format); err != nil {
		return nil
	}
	keys := make([]string, 0, len(vars))
	for key := range vars {
		keys = append(keys, key)
	}
	return keys
}
