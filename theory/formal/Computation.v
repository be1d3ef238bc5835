(* What Coq computes to check a certificate: with integers, and with none of the code that made the certificate.

   Certificates.v holds the numbers and is written by the package; this file says what must hold of them. *)
From Coq Require Import ZArith List Bool.
Import ListNotations.
Local Open Scope Z_scope.

(* k! and 1 * 3 * ... * (2k-1). *)
Fixpoint factorial (k : nat) : Z := match k with O => 1 | S j => Z.of_nat k * factorial j end.
Fixpoint odd_factorial (k : nat) : Z := match k with O => 1 | S j => (2 * Z.of_nat k - 1) * odd_factorial j end.
Definition binomial (n k : nat) : Z := factorial n / (factorial k * factorial (n - k)).
Definition total : list Z -> Z := fold_right Z.add 0.

(* The mean of x^2a y^2b over the sphere is (2a-1)!! (2b-1)!! / (2a+2b+1)!!, so that of |x+iy|^2l = (x^2+y^2)^l is
   mean_numerator l / odd_factorial (l+1). *)
Definition mean_numerator (l : nat) : Z :=
  total (map (fun k => binomial l k * odd_factorial k * odd_factorial (l - k)) (seq 0 (S l))).

(* STATEMENT step_holds: with Y_ll = c_l (x+iy)^l of mean square one, the square of the number in Y_aa Y_bb = number Y_(a+b,a+b)
   is the mean for a+b over those for a and b; and the square of the coupling <a0 b0|(a+b)0> is the quotient of the
   leading coefficients (2n-1)!!/n! of Legendre polynomials. *)
Record step := Step { first : nat; second : nat; square : Z * Z; coupling : Z * Z }.

Definition step_holds (s : step) : bool :=
  let (a, b) := (first s, second s) in
  (0 <? snd (square s)) && (0 <? snd (coupling s)) &&
  (fst (square s) * mean_numerator a * mean_numerator b * odd_factorial (a + b + 1)
   =? snd (square s) * mean_numerator (a + b) * odd_factorial (a + 1) * odd_factorial (b + 1)) &&
  (fst (coupling s) * odd_factorial (a + b) * factorial a * factorial b
   =? snd (coupling s) * odd_factorial a * odd_factorial b * factorial (a + b)).
(* END *)

(* Rows of numbers for the weights -dL..dL; multiplying by q^m moves a row by m places, and nothing reaches its ends. *)
Definition moved (m : Z) (row : list Z) : list Z :=
  let n := Z.to_nat (Z.abs m) in
  if 0 <=? m then repeat 0 n ++ firstn (length row - n) row else skipn n row ++ repeat 0 n.
Definition added (r s : list Z) : list Z := map (fun p => fst p + snd p) (combine r s).

(* One more variable of weight m, in every degree 0..d: times 1 / (1 - t q^m). *)
Fixpoint with_variable (m : Z) (before : list Z) (rows : list (list Z)) : list (list Z) :=
  match rows with
  | [] => []
  | row :: rest => let now := added row (moved m before) in now :: with_variable m now rest
  end.

Definition orders (l : nat) : list Z := map (fun i => Z.of_nat i - Z.of_nat l) (seq 0 (2 * l + 1)).
Definition weights (L : nat) : list Z := flat_map orders (seq 0 (S L)).

(* How many monomials of degree d in the features of l <= L have weight w, for w = -dL..dL. *)
Definition states (d L : nat) : list Z :=
  let zero := repeat 0 (2 * (d * L) + 1) in
  let start := (repeat 0 (d * L) ++ [1] ++ repeat 0 (d * L)) :: repeat zero d in
  last (fold_left (fun rows m => with_variable m zero rows) (weights L) start) zero.

(* STATEMENT counts_hold: the number of times that l occurs among abstract polynomials is the number of states of weight l less
   that of weight l+1, for l = 0..dL; at the ceiling it is one. *)
Record counts := Counts { count_d : nat; count_L : nat; multiplicities : list Z }.

Definition counts_hold (c : counts) : bool :=
  let n := (count_d c * count_L c)%nat in
  let above := skipn n (states (count_d c) (count_L c)) in
  let differences := map (fun p => fst p - snd p) (combine above (skipn 1 above ++ [0])) in
  (if list_eq_dec Z.eq_dec differences (multiplicities c) then true else false) && (last (multiplicities c) 0 =? 1).
(* END *)

(* Polynomials in x, y, z: exponents with integer coefficients. *)
Definition term := (nat * nat * nat * Z)%type.
Definition polynomial := list term.

Definition coefficient (e : nat * nat * nat) (p : polynomial) : Z :=
  let '(a, b, c) := e in
  total (map (fun t : term => let '(i, j, k, v) := t in
    if ((i =? a) && (j =? b) && (k =? c))%nat then v else 0) p).

Definition second_derivatives (p : polynomial) : polynomial :=
  let d (n : nat) := Z.of_nat n * (Z.of_nat n - 1) in
  flat_map (fun t : term => let '(i, j, k, v) := t in
    [((i - 2)%nat, j, k, v * d i); (i, (j - 2)%nat, k, v * d j); (i, j, (k - 2)%nat, v * d k)]) p.

Definition homogeneous (l : nat) (p : polynomial) : bool :=
  forallb (fun t : term => let '(i, j, k, v) := t in (i + j + k =? l)%nat) p.

Definition harmonic (p : polynomial) : bool :=
  let q := second_derivatives p in
  forallb (fun t : term => let '(e, v) := t in (v =? 0) || (coefficient e q =? 0)) q.

Definition point := (Z * Z * Z * Z)%type.
Definition on_sphere (v : point) : bool := let '(x, y, z, r) := v in x * x + y * y + z * z =? r * r.

(* The value at (x, y, z)/r, times r^L: an integer, and the same factor for every feature. *)
Definition value (L l : nat) (p : polynomial) (v : point) : Z :=
  let '(x, y, z, r) := v in
  total (map (fun t : term => let '(i, j, k, c) := t in
    c * x ^ Z.of_nat i * y ^ Z.of_nat j * z ^ Z.of_nat k) p) * r ^ (Z.of_nat L - Z.of_nat l).

(* All products of exactly d rows: a row is the values of a feature at all points. *)
Fixpoint products (modulus : Z) (d : nat) : list (list Z) -> list (list Z) :=
  match d with
  | O => fun rows => match rows with [] => [] | row :: _ => [map (fun _ => 1) row] end
  | S k => fix loop rows := match rows with
    | [] => []
    | row :: rest => map (fun q => map (fun p => fst p * snd p mod modulus) (combine row q)) (products modulus k rows) ++ loop rest
    end
  end.

(* Gauss elimination modulo a prime, column after column; no division. *)
Fixpoint pivot (rows : list (list Z)) : option (list Z * list (list Z)) :=
  match rows with
  | [] => None
  | row :: rest => if hd 0 row =? 0 then
      match pivot rest with None => None | Some (p, others) => Some (p, row :: others) end
    else Some (row, rest)
  end.

Fixpoint rank (modulus : Z) (columns : nat) (rows : list (list Z)) : nat :=
  match columns with
  | O => O
  | S c => match pivot rows with
    | None => rank modulus c (map (@tl Z) rows)
    | Some (p, others) =>
      let h := hd 0 p in
      S (rank modulus c (map (fun row => let g := hd 0 row in
        map (fun q => (h * snd q - g * fst q) mod modulus) (combine (tl p) (tl row))) others))
    end
  end.

(* STATEMENT rank_holds: the features are 2l+1 harmonic polynomials for every l <= L, and their products of d factors have rank
   (dL+1)^2 at points of the sphere, modulo a prime. *)
Definition features_hold (L : nat) (features : list (nat * polynomial)) : bool :=
  forallb (fun f => homogeneous (fst f) (snd f) && harmonic (snd f)) features &&
  forallb (fun l => (length (filter (fun f => fst f =? l)%nat features) =? 2 * l + 1)%nat) (seq 0 (S L)) &&
  (length features =? (L + 1) * (L + 1))%nat.

Definition rank_holds (modulus : Z) (features : list (nat * polynomial)) (points : list point) (d L : nat) : bool :=
  let chosen := filter (fun f => fst f <=? L)%nat features in
  let n := (d * L + 1)%nat in
  let at_points := firstn (n * n) points in
  let rows := map (fun f => map (fun v => value L (fst f) (snd f) v mod modulus) at_points) chosen in
  features_hold L chosen && forallb on_sphere at_points &&
  (rank modulus (n * n) (products modulus d rows) =? n * n)%nat.
(* END *)
