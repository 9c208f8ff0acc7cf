//! Programs made by chance: any construct in any other, with blanks, line breaks and comments wherever they may stand.
use fastrand::Rng;

struct Maker<'r> {
    rng: &'r mut Rng,
    out: String,
}

pub fn program(rng: &mut Rng) -> String {
    let mut maker = Maker { rng, out: String::new() };
    for _ in 0..maker.rng.usize(1..4) {
        maker.gap();
        if maker.rng.bool() {
            maker.put("action f(");
            maker.list(2, |m, _| {
                m.pick(&["a: int", "b: string = \"x\"", "c: \"a\" | \"b\"", "d: list<int>?"]);
            });
            maker.put(")");
        } else {
            maker.put("runbook \"a title\"");
        }
        maker.block(3);
        maker.put("\n");
    }
    maker.gap();
    maker.out
}

impl Maker<'_> {
    fn put(&mut self, text: &str) {
        self.out.push_str(text);
    }

    fn pick(&mut self, texts: &[&str]) {
        let at = self.rng.usize(..texts.len());
        self.put(texts[at]);
    }

    /// What may stand between statements.
    fn gap(&mut self) {
        for _ in 0..self.rng.usize(..4) {
            self.pick(&["\n", "\n\n\n", "    ", ";", "# own\n", "\t", "\r\n"]);
        }
    }

    /// What may stand inside brackets.
    fn inside(&mut self) {
        for _ in 0..self.rng.usize(..3) {
            self.pick(&["", " ", "\n", " # why\n", "  \n\n\n"]);
        }
    }

    fn block(&mut self, depth: usize) {
        self.put(" {");
        for _ in 0..self.rng.usize(..4) {
            self.gap();
            self.stmt(depth);
            self.pick(&[";", "\n", " # aside\n"]);
        }
        self.gap();
        self.put("}");
    }

    fn list(&mut self, depth: usize, item: impl Fn(&mut Self, usize)) {
        let count = self.rng.usize(..4);
        for at in 0..count {
            self.inside();
            item(self, depth);
            self.inside();
            if at + 1 < count || self.rng.bool() {
                self.put(",");
            }
        }
        self.inside();
    }

    fn stmt(&mut self, depth: usize) {
        match self.rng.usize(..if depth == 0 { 8 } else { 16 }) {
            0 => self.head("let x =", depth),
            1 => self.head("guard \"it is so\":", depth),
            2 => self.head("log ", depth),
            3 => self.put("$ echo 'a  b' #{x} | tr a b"),
            4 => self.put("let out = $ printf '%s' \\\n     #{x}"),
            5 => {
                self.put("f(");
                self.list(2, |m, depth| m.expr(depth));
                self.put(")");
            }
            6 => {
                let (a, b) = (" ".repeat(self.rng.usize(..9)), " ".repeat(self.rng.usize(..9)));
                self.put(&format!("db.exec(\"\"\"\n{a}SELECT #{{x}}\n{b}  FROM t\n\n{a}\"\"\")"));
            }
            7 => self.head("wait up to 5s every 1s until ", depth),
            8 => {
                self.put("if x");
                self.block(depth - 1);
                if self.rng.bool() {
                    self.pick(&["\n", " ", " # then\n"]);
                    self.put("else");
                    self.block(depth - 1);
                }
            }
            9 => {
                self.put("for x in [1,2]  parallel 2");
                self.block(depth - 1);
            }
            10 => {
                self.put("step \"a step\"   timeout 5s readonly retry 2");
                self.block(depth - 1);
            }
            11 => {
                self.put("try");
                self.block(depth - 1);
                self.put(" else");
                self.block(depth - 1);
            }
            12 => {
                self.put("with dir(\"/x\") ,env({A:x})");
                self.block(depth - 1);
            }
            13 => {
                self.put("rollback  timeout 5s");
                self.block(depth - 1);
            }
            14 => self.put("rollback { $ rm -f #{x} }"),
            _ => {
                self.put("watch \"w\" for 1m every 5s");
                self.block(depth - 1);
            }
        }
    }

    fn head(&mut self, head: &str, depth: usize) {
        self.put(head);
        if head.ends_with(['=', ':']) {
            self.pick(&[" ", "", "\n  ", " # because\n"]);
        }
        self.expr(depth.min(2) + 1);
    }

    fn expr(&mut self, depth: usize) {
        const WORDS: [&str; 8] = [
            "x",
            "\"a #{x + 1} b\"",
            "1_000",
            "1h30m",
            "2026-11-01",
            "r\"^\\d\"",
            "$(ls | wc -l)",
            "name_that_is_rather_long",
        ];
        match self.rng.usize(..if depth == 0 { 8 } else { 16 }) {
            at @ 0..8 => self.put(WORDS[at]),
            8 => {
                self.put("(");
                self.inside();
                self.expr(depth - 1);
                self.inside();
                self.put(")");
            }
            9 => {
                self.put("[");
                self.list(depth - 1, |m, depth| m.expr(depth));
                self.put("]");
            }
            10 => {
                self.put("({");
                self.list(depth - 1, |m, depth| {
                    m.pick(&["a", "\"b c\"", "step"]);
                    m.put(":");
                    m.expr(depth);
                });
                self.put("})");
            }
            11 => {
                self.put("call_something(");
                self.list(depth - 1, |m, depth| {
                    m.pick(&["", "with_name:", "n :"]);
                    m.expr(depth);
                });
                self.put(")");
            }
            12 => {
                self.expr(depth - 1);
                self.pick(&[" and", " or", " +", " ==", " in", " -", " and # so\n"]);
                self.pick(&[" ", "\n", "\n\n   "]);
                self.expr(depth - 1);
            }
            13 => {
                self.put("(if x then");
                self.pick(&[" ", "\n"]);
                self.expr(depth - 1);
                self.put("\nelse ");
                self.expr(depth - 1);
                self.put(")");
            }
            14 => {
                self.pick(&["not ", "-"]);
                self.put("(");
                self.expr(depth - 1);
                self.put(")");
            }
            _ => {
                self.put("x");
                for _ in 0..self.rng.usize(1..4) {
                    self.pick(&["", "\n   ", " # then\n"]);
                    self.put(".method(");
                    self.list(depth - 1, |m, depth| m.expr(depth));
                    self.put(")[0].field");
                }
            }
        }
    }
}
