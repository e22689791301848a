package compose

// checkSize is filled in below.
func checkSize(string, []byte) error { return nil }
