(* Functions on the unit sphere, and what "span" and "product of d features" mean.

   Everything that the theorems say is said with the definitions of this file; it proves nothing of interest. *)
From mathcomp Require Import all_ssreflect all_algebra.
From SsrMultinomials Require Import mpoly.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Import GRing.Theory.
Local Open Scope ring_scope.

(* The three axes, as indices of the variables x, y, z. *)
Definition ix : 'I_3 := @Ordinal 3 0 isT.
Definition iy : 'I_3 := @Ordinal 3 1 isT.
Definition iz : 'I_3 := @Ordinal 3 2 isT.

Section Sphere.
Variable F : comRingType.

(* A point has three coordinates; on the unit sphere their squares add up to one. *)
Definition point := 'I_3 -> F.
Definition on_sphere (v : point) := v ix ^+ 2 + v iy ^+ 2 + v iz ^+ 2 = 1.

(* Functions count as the same if they agree on the sphere. *)
Definition function := point -> F.
Definition agree (f g : function) := forall v, on_sphere v -> f v = g v.

(* STATEMENT A: A n f says that f agrees on the sphere with a polynomial in x, y, z of total degree <= n.
   (msize p is the degree plus one, and 0 for p = 0.) *)
Definition A (n : nat) (f : function) :=
  exists2 p : {mpoly F[3]}, (msize p <= n.+1)%N & agree f (fun v => p.@[v]).
(* END *)

(* STATEMENT P: what polynomials of degree <= d in the features of l <= L span. *)
Inductive span (S : function -> Prop) : function -> Prop :=
| span_zero : span S (fun=> 0)
| span_member f : S f -> span S f
| span_sum f g : span S f -> span S g -> span S (fun v => f v + g v)
| span_scaled c f : span S f -> span S (fun v => c * f v)
| span_agree f g : span S f -> agree f g -> span S g.

Inductive product (S : function -> Prop) : nat -> function -> Prop :=
| product_of_none : product S 0 (fun=> 1)
| product_times k f g : product S k f -> S g -> product S k.+1 (fun v => f v * g v).

Definition product_of_at_most (S : function -> Prop) (d : nat) (f : function) :=
  exists2 k, (k <= d)%N & product S k f.

Definition P (L d : nat) := span (product_of_at_most (A L) d).
(* END *)

(* Two sets of functions are equal if they have the same members. *)
Definition same (S T : function -> Prop) := forall f, S f <-> T f.

Lemma agree_sym f g : agree f g -> agree g f.
Proof. by move=> e v sv; rewrite e. Qed.

Lemma agree_trans f g h : agree f g -> agree g h -> agree f h.
Proof. by move=> e1 e2 v sv; rewrite e1 // e2. Qed.

(* A n is a linear space, grows with n, and products add the degrees. *)
Lemma A_agree n f g : A n f -> agree f g -> A n g.
Proof. by move=> [p sp ep] e; exists p => //; apply: agree_trans ep; apply: agree_sym. Qed.

Lemma A_poly n (p : {mpoly F[3]}) : (msize p <= n.+1)%N -> A n (fun v => p.@[v]).
Proof. by exists p. Qed.

Lemma A_const n c : A n (fun=> c).
Proof.
exists c%:MP; first by rewrite msizeC; case: eqP.
by move=> v _; rewrite mevalC.
Qed.

Lemma A_sum n f g : A n f -> A n g -> A n (fun v => f v + g v).
Proof.
move=> [p sp ep] [q sq eq]; exists (p + q); last by move=> v sv; rewrite mevalD ep // eq.
by apply: leq_trans (msizeD_le _ _) _; rewrite geq_max sp.
Qed.

Lemma degree_product m n (p q : {mpoly F[3]}) :
  (msize p <= m.+1)%N -> (msize q <= n.+1)%N -> (msize (p * q) <= (m + n).+1)%N.
Proof.
move=> sp sq; rewrite msizeE; apply/bigmax_leqP_seq => u /msuppM_le/allpairsP[[a b] /= [ap bq ->]] _.
by rewrite mdegD ltnS leq_add // -ltnS; [apply: leq_trans sp | apply: leq_trans sq]; apply: msize_mdeg_lt.
Qed.

Lemma A_product m n f g : A m f -> A n g -> A (m + n) (fun v => f v * g v).
Proof.
move=> [p sp ep] [q sq eq]; exists (p * q); first exact: degree_product.
by move=> v sv; rewrite mevalM ep // eq.
Qed.

Lemma A_scaled n c f : A n f -> A n (fun v => c * f v).
Proof. by move=> Af; have := A_product (A_const 0 c) Af; rewrite add0n. Qed.

Lemma A_grows m n f : (m <= n)%N -> A m f -> A n f.
Proof. by move=> mn [p sp ep]; exists p => //; apply: leq_trans sp _. Qed.
End Sphere.
