// Command licences checks the modules that are linked into the program: each
// has a licence we may ship, and each direct one is named, with its reason,
// in docs/explanation/dependencies.md.
package main

import (
	"debug/buildinfo"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

const page = "docs/explanation/dependencies.md"

// licences we may ship, each known by a sentence of its text.
var licences = []struct{ name, sentence string }{
	{"GPL", "GNU GENERAL PUBLIC LICENSE"}, // first: a dual text must not pass as another
	{"AGPL", "GNU AFFERO"},
	{"LGPL", "GNU LESSER"},
	{"Apache-2.0", "Apache License"},
	{"MPL-2.0", "Mozilla Public License"},
	{"MIT", "Permission is hereby granted, free of charge"},
	{"ISC", "Permission to use, copy, modify, and/or distribute"},
	{"ISC", "Permission to use, copy, modify, and distribute"},
	{"BSD", "Redistribution and use in source and binary forms"},
	{"Unlicense", "This is free and unencumbered software"},
}

var refused = []string{"GPL", "AGPL", "LGPL"}

type module struct {
	Path, Version, Dir string
	Indirect           bool
}

func main() {
	if err := check(); err != nil {
		fmt.Fprintln(os.Stderr, "licences:", err)
		os.Exit(1)
	}
}

func check() error {
	linked, err := linkedModules("bin/rinca")
	if err != nil {
		return fmt.Errorf("%w (run make build first)", err)
	}
	modules, err := listModules()
	if err != nil {
		return err
	}
	text, err := os.ReadFile(page)
	if err != nil {
		return err
	}
	var problems []error
	count := map[string]int{}
	for _, m := range modules {
		if !m.Indirect && !strings.Contains(string(text), m.Path) {
			problems = append(problems, fmt.Errorf("%s is a direct dependency and %s does not name it", m.Path, page))
		}
		if !linked[m.Path] {
			continue
		}
		name := licenceOf(m.Dir)
		if name == "" || slices.Contains(refused, name) {
			problems = append(problems, fmt.Errorf("%s %s: licence %q", m.Path, m.Version, name))
		}
		count[name]++
	}
	fmt.Println("modules in the binary by licence:", count)
	return errors.Join(problems...)
}

func linkedModules(binary string) (map[string]bool, error) {
	info, err := buildinfo.ReadFile(binary)
	if err != nil {
		return nil, err
	}
	linked := map[string]bool{}
	for _, d := range info.Deps {
		linked[d.Path] = true
	}
	return linked, nil
}

func listModules() ([]module, error) {
	out, err := exec.Command("go", "list", "-m", "-json", "all").Output()
	if err != nil {
		return nil, fmt.Errorf("go list: %w", err)
	}
	var modules []module
	for dec := json.NewDecoder(strings.NewReader(string(out))); ; {
		var m module
		if err := dec.Decode(&m); errors.Is(err, io.EOF) {
			return modules[1:], nil // without our own
		} else if err != nil {
			return nil, err
		}
		modules = append(modules, m)
	}
}

func licenceOf(dir string) string {
	if dir == "" {
		return ""
	}
	for _, pattern := range []string{"LICEN[SC]E*", "License*", "license*", "COPYING*"} {
		files, _ := filepath.Glob(filepath.Join(dir, pattern))
		for _, f := range files {
			data, err := os.ReadFile(f)
			if err != nil {
				continue
			}
			for _, l := range licences {
				if strings.Contains(strings.Join(strings.Fields(string(data)), " "), l.sentence) {
					return l.name
				}
			}
		}
	}
	return ""
}
